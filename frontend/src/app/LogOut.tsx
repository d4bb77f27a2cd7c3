import { useState } from 'react';
import { logout, useSession } from '../features/auth/session.ts';
import { countUnsent, discardUnsent } from '../features/timeline/sending.ts';
import { clearUnsent } from '../features/timeline/unsent.ts';
import { text } from '../shared/i18n/text.ts';
import { Button } from '../shared/ui/Button.tsx';
import { ConfirmDialog } from '../shared/ui/ConfirmDialog.tsx';

/** Logs out; asks first when that discards messages. */
export function LogOut() {
  const [unsent, setUnsent] = useState(0);
  return (
    <>
      <Button
        onClick={() => {
          const count = countUnsent();
          if (count > 0) setUnsent(count);
          else void leave();
        }}
      >
        {text.auth.logout}
      </Button>
      {unsent > 0 && (
        <ConfirmDialog
          title={text.auth.logoutTitle}
          hint={text.auth.logoutHint(unsent)}
          confirm={text.auth.logoutConfirm}
          onConfirm={leave}
          onClose={() => setUnsent(0)}
        />
      )}
    </>
  );
}

async function leave(): Promise<void> {
  const user = useSession.getState().viewer?.id;
  await discardUnsent();
  // The server may be away: this browser forgets all the same.
  await logout().catch(() => {});
  // What another tab added in between.
  if (user !== undefined) await clearUnsent(user);
}
