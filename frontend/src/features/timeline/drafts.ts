/** What was typed and not sent, by room, while this tab lives. */
const drafts = new Map<string, string>();

export function draftOf(roomId: string): string {
  return drafts.get(roomId) ?? '';
}

export function keepDraft(roomId: string, content: string): void {
  if (content) drafts.set(roomId, content);
  else drafts.delete(roomId);
}

export function forgetDrafts(): void {
  drafts.clear();
}
