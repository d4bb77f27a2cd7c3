/** What the tests are pointed at. Nothing is skipped: what is missing fails. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

function need(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests need a Plaza that runs`);
  return value.replace(/\/$/, '');
}

/** A Plaza with real time. */
export const baseUrl = () => need('PLAZA_E2E_URL');

/** A second one, started with PLAZA_REALTIME_ENABLED=false. */
export const baseUrlOff = () => need('PLAZA_E2E_URL_OFF');

/** The number of members that makes a room of the first Plaza a large one. */
export const fanoutThreshold = () => Number(need('PLAZA_ROOMS_FANOUT_THRESHOLD'));

const run = promisify(execFile);

/** Stops or starts one part of the first Plaza by the command in PLAZA_E2E_CTL. */
export async function control(action: 'stop' | 'kill' | 'start', part: string): Promise<void> {
  await run('/bin/sh', ['-c', `${need('PLAZA_E2E_CTL')} ${action} ${part}`], { timeout: 60_000 });
}
