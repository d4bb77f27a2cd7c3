/** Which room is on the screen, and which were before it. */

import { create } from 'zustand';

interface Open {
  room: string | null;
  /** The last two that were left, the latest first. */
  left: readonly string[];
}

const NONE: Open = { room: null, left: [] };
const LEFT = 2;

export const useOpen = create<Open>(() => NONE);

export function setOpenRoom(room: string | null): void {
  useOpen.setState((before) => {
    if (room === before.room) return before;
    const others = [...(before.room === null ? [] : [before.room]), ...before.left];
    const left = [...new Set(others)].filter((id) => id !== room).slice(0, LEFT);
    return { room, left };
  });
}

export function openRoomOf(): string | null {
  return useOpen.getState().room;
}

/** Whether the room is open, or was among the last two before. */
export function isNear(roomId: string): boolean {
  const { room, left } = useOpen.getState();
  return roomId === room || left.includes(roomId);
}

export function forgetOpen(): void {
  useOpen.setState(NONE);
}
