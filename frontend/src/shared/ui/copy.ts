/** Copies what an input shows. False: the browser did not let it. */
export async function copyFrom(input: HTMLInputElement): Promise<boolean> {
  try {
    // Without a secure context there is no clipboard.
    await navigator.clipboard.writeText(input.value);
    return true;
  } catch {
    input.select();
    return document.execCommand('copy');
  }
}
