import { afterEach, expect, test } from 'vitest';
import { forgetOpen, isNear, setOpenRoom, useOpen } from './open.ts';

afterEach(forgetOpen);

test('the last two rooms that were left are kept, the open one aside', () => {
  for (const id of ['a', 'b', 'c', 'd']) {
    // As screens come and go.
    setOpenRoom(id);
    if (id !== 'd') setOpenRoom(null);
  }
  expect(useOpen.getState()).toEqual({ room: 'd', left: ['c', 'b'] });
  expect(['a', 'b', 'c', 'd'].filter(isNear)).toEqual(['b', 'c', 'd']);
  setOpenRoom('c');
  expect(useOpen.getState()).toEqual({ room: 'c', left: ['d', 'b'] });
  setOpenRoom(null);
  expect(useOpen.getState()).toEqual({ room: null, left: ['c', 'd'] });
});
