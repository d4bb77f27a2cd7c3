import { text } from '../shared/i18n/text.ts';
import { Dialog } from '../shared/ui/Dialog.tsx';
import styles from './ShortcutSheet.module.css';

const SHORTCUTS: readonly (readonly [readonly string[], string])[] = [
  [['Ctrl', 'K'], text.shortcuts.jump],
  [['Esc'], text.shortcuts.composer],
  [['Enter'], text.shortcuts.send],
  [['Shift', 'Enter'], text.shortcuts.newline],
  [['↑'], text.shortcuts.editLast],
  [['↑', '↓'], text.shortcuts.walk],
  [['?'], text.shortcuts.sheet],
];

export default function ShortcutSheet({ onClose }: { onClose(): void }) {
  return (
    <Dialog title={text.shortcuts.title} onClose={onClose}>
      <dl className={styles.list}>
        {SHORTCUTS.map(([keys, what]) => (
          <div key={what} className={styles.row}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
