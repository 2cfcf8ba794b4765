// How the README's picture is taken: the browser of the page tests, and time enough.
import { defineConfig } from '@playwright/test';
import tests from '../playwright.config';

const { projects: _, ...common } = tests;

export default defineConfig({ ...common, testDir: '.', testMatch: 'picture.ts', timeout: 180_000 });
