import { text } from '../../shared/i18n/text.ts';
import { ConfirmDialog } from '../../shared/ui/ConfirmDialog.tsx';
import { refusalText } from '../rooms/refusal.ts';
import { remove } from './sending.ts';

interface RemoveDialogProps {
  roomId: string;
  messageId: string;
  onClose(): void;
}

/** Asks before a message is deleted. */
export default function RemoveDialog({ roomId, messageId, onClose }: RemoveDialogProps) {
  return (
    <ConfirmDialog
      title={text.room.removeTitle}
      hint={text.room.removeHint}
      confirm={text.room.remove}
      onConfirm={() => remove(roomId, messageId)}
      explain={refusalText}
      onClose={onClose}
    />
  );
}
