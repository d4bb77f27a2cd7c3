import styles from './Brand.module.css';

export function Brand() {
  return (
    <span className={styles.brand}>
      <span className={styles.mark} aria-hidden="true">
        <i />
        <i />
        <i />
        <i />
      </span>
      Plaza
    </span>
  );
}
