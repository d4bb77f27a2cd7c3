import { DeviceList } from '../features/sessions/DeviceList.tsx';
import { text } from '../shared/i18n/text.ts';
import { Button } from '../shared/ui/Button.tsx';
import { Dialog } from '../shared/ui/Dialog.tsx';
import { setTheme, type Theme, useTheme } from '../shared/ui/theme.ts';
import { LogOut } from './LogOut.tsx';
import styles from './SettingsDialog.module.css';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

interface SettingsDialogProps {
  onClose(): void;
  onShortcuts(): void;
}

export default function SettingsDialog({ onClose, onShortcuts }: SettingsDialogProps) {
  const theme = useTheme((state) => state.theme);
  return (
    <Dialog title={text.settings.title} onClose={onClose}>
      <fieldset className={styles.themes}>
        <legend>{text.settings.theme}</legend>
        {THEMES.map((name) => (
          <label key={name} className={styles.theme}>
            <input
              type="radio"
              name="theme"
              checked={theme === name}
              onChange={() => setTheme(name)}
            />
            <span>{text.settings[name]}</span>
          </label>
        ))}
      </fieldset>
      <DeviceList />
      <div className={styles.actions}>
        <Button onClick={onShortcuts}>{text.settings.shortcuts}</Button>
        <LogOut />
      </div>
    </Dialog>
  );
}
