import { type ReactNode, useEffect, useId, useRef } from 'react';
import { text } from '../i18n/text.ts';
import { IconButton } from './Button.tsx';
import { cx } from './cx.ts';
import styles from './Dialog.module.css';

interface DialogProps {
  title: string;
  onClose(): void;
  children: ReactNode;
  /** Without a visible title and padding, near the top: for the switcher. */
  bare?: boolean;
}

/** A modal dialog: begins at `data-focus`, keeps the focus, closes on Esc and gives it back. */
export function Dialog({ title, onClose, children, bare = false }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();

  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>('[data-focus]')?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  return (
    <dialog
      ref={ref}
      className={cx(styles.dialog, bare && styles.bare)}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => event.stopPropagation()}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div className={bare ? undefined : styles.inside}>
        <header className={bare ? styles.hidden : styles.head}>
          <h2 id={titleId}>{title}</h2>
          {!bare && <IconButton icon="close" label={text.close} onClick={onClose} />}
        </header>
        {children}
      </div>
    </dialog>
  );
}
