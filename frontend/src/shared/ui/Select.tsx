import { type SelectHTMLAttributes, useId } from 'react';
import styles from './Field.module.css';

interface SelectProps extends Omit<SelectHTMLAttributes<HTMLSelectElement>, 'id' | 'onChange'> {
  label: string;
  /** What is sent, and what people read. */
  options: readonly (readonly [string, string])[];
  onChange(value: string): void;
}

/** A labelled choice of one. */
export function Select({ label, options, onChange, ...rest }: SelectProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <select
        {...rest}
        id={id}
        className={styles.input}
        onChange={(event) => onChange(event.target.value)}
      >
        {options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}
