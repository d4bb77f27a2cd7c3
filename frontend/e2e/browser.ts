/** Chromium with a profile of its own, and what a person does in it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import type { Account } from './api.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface ProfileOptions {
  width?: number;
  height?: number;
  scheme?: 'light' | 'dark';
}

/** A fresh Chromium profile; what its console complains about fails the test at the end. */
export class Profile {
  readonly complaints: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    private readonly folder: string,
    private readonly base: string,
  ) {}

  static async open(base: string, options: ProfileOptions = {}): Promise<Profile> {
    const folder = await mkdtemp(join(tmpdir(), 'plaza-e2e-'));
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: process.env.PLAZA_E2E_CHROMIUM ?? '/usr/bin/chromium',
      args: FLAGS,
      headless: true,
      viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
      colorScheme: options.scheme ?? 'light',
      locale: 'en-GB',
      reducedMotion: 'reduce',
    });
    const page = context.pages()[0] ?? (await context.newPage());
    const profile = new Profile(context, page, folder, base);
    context.on('page', (opened) => profile.#listen(opened));
    profile.#listen(page);
    return profile;
  }

  async close(): Promise<void> {
    await this.context.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async go(path: string): Promise<void> {
    await this.page.goto(`${this.base}${path}`);
  }

  async login(account: Account, next = '/rooms'): Promise<void> {
    await this.go(`/login?next=${encodeURIComponent(next)}`);
    await this.page.getByLabel('Username').fill(account.username);
    await this.page.getByLabel('Password').fill(account.password);
    await this.page.getByRole('button', { name: 'Log in' }).click();
    // Hidden beside a room on a narrow screen.
    await this.page
      .getByRole('navigation', { name: 'Rooms', includeHidden: true })
      .waitFor({ state: 'attached' });
  }

  /** Waits until the indicator says so. */
  async status(label: 'Live' | 'Catching up' | 'Not live' | 'Offline', timeout = 45_000) {
    // Hidden beside a room on a narrow screen.
    await this.page
      .getByRole('navigation', { name: 'Rooms', includeHidden: true })
      .getByRole('status', { includeHidden: true })
      .filter({ hasText: new RegExp(`^${label}`) })
      .waitFor({ timeout, state: 'attached' });
  }

  get log(): Locator {
    return this.page.getByRole('log', { name: 'Messages' });
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: /^Message / });
  }

  async send(content: string): Promise<void> {
    await this.composer.fill(content);
    await this.composer.press('Enter');
  }

  message(content: string): Locator {
    return this.log.getByRole('article').filter({ hasText: content });
  }

  /** Texts of the messages on the screen that `pattern` picks, from top to bottom. */
  async shown(pattern: RegExp): Promise<string[]> {
    const texts = await this.log.getByRole('article').allInnerTexts();
    return texts.flatMap((text) => pattern.exec(text)?.[0] ?? []);
  }

  #listen(page: Page): void {
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      // A cut connection is what some tests are about.
      if (message.type() === 'error' && !/WebSocket|Failed to load resource/.test(message.text())) {
        this.complaints.push(message.text());
      }
    });
  }
}

/** Polls until the condition holds; says what was last seen when it never does. */
export async function until<Value>(
  look: () => Promise<Value>,
  holds: (value: Value) => boolean,
  timeout = 30_000,
): Promise<Value> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`never held; last seen: ${JSON.stringify(value)}`);
    await new Promise((resume) => setTimeout(resume, 100));
  }
}
