import type { Visibility } from '../../gql/graphql.ts';
import { roomText } from '../../shared/i18n/roomText.ts';
import { Icon } from '../../shared/ui/Icon.tsx';
import styles from './VisibilityChoice.module.css';

interface VisibilityChoiceProps {
  value: Visibility;
  onChange(value: Visibility): void;
}

const OPTIONS = [
  ['PUBLIC', 'compass', roomText.visibility.PUBLIC_HINT],
  ['PRIVATE', 'lock', roomText.visibility.PRIVATE_HINT],
] as const;

/** Public or private, each with what it means. */
export function VisibilityChoice({ value, onChange }: VisibilityChoiceProps) {
  return (
    <fieldset className={styles.choice}>
      <legend>{roomText.visibility.label}</legend>
      {OPTIONS.map(([option, icon, hint]) => (
        <label key={option} className={styles.option}>
          <input
            type="radio"
            name="visibility"
            checked={value === option}
            onChange={() => onChange(option)}
          />
          <span className={styles.card}>
            <Icon name={icon} />
            <span className={styles.name}>{roomText.visibility[option]}</span>
            <span className={styles.hint}>{hint}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
