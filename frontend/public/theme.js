// Puts a chosen theme on the page before it is painted.
(() => {
  try {
    const theme = localStorage.getItem('plaza-theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // Without storage the system's theme stands.
  }
})();
