import { useEffect, useMemo } from 'react';
import styles from './Code.module.css';
import { highlight } from './highlight.ts';

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

export function CodeBlock({ text, language }: { text: string; language: string }) {
  useCodeFont();
  const pieces = useMemo(() => highlight(text, language), [text, language]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <pre tabIndex={0}>
      <code>
        {pieces.map(({ kind, text: part }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other identity.
          <span key={index} className={styles[kind]}>
            {part}
          </span>
        ))}
      </code>
    </pre>
  );
}
