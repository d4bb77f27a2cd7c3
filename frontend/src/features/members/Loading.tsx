import { Bone, Patience } from '../../shared/ui/State.tsx';
import styles from './MembersPanel.module.css';

/** A list of people that is on its way. */
export function Loading({ label }: { label: string }) {
  return (
    <Patience>
      <div className={styles.list} role="status" aria-label={label}>
        {['a', 'b', 'c', 'd'].map((key) => (
          <div key={key} className={styles.member}>
            <Bone kind="avatar" />
            <Bone kind="name" />
          </div>
        ))}
      </div>
    </Patience>
  );
}
