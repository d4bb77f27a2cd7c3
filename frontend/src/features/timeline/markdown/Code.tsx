import { useEffect } from 'react';

let loaded = false;

/** The font for code comes with the first code on the screen. */
function useCodeFont(): void {
  useEffect(() => {
    if (loaded) return;
    loaded = true;
    import('@fontsource-variable/jetbrains-mono/wght.css').catch(() => {
      loaded = false;
    });
  }, []);
}

export function Code({ text }: { text: string }) {
  useCodeFont();
  return <code>{text}</code>;
}

export function CodeBlock({ text }: { text: string }) {
  useCodeFont();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <pre tabIndex={0}>
      <code>{text}</code>
    </pre>
  );
}
