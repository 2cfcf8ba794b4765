// Formatting: exact decimals keep every digit, and no rounding says more than is known.
import { describe, expect, test } from 'vitest';
import { durationText, humanDuration, parseDuration, splitList, windowName } from '../../src/pure/duration';
import { bytes, clockNear, compact, decimalsOf, exact, fixed, general, mean, percent, signed } from '../../src/pure/format';

const thin = '\u202f';
const minus = '\u2212';

test.each([
  ['167.42', 2, '167.42'],
  ['167.3', 2, '167.30'],
  ['167', 2, '167.00'],
  ['1234', 0, '1234'],
  ['12345', 0, `12${thin}345`],
  ['64123.5', 2, `64${thin}123.50`],
  ['0.000000000001', 2, '0.000000000001'],
  ['999999999999.123456', 2, `999${thin}999${thin}999${thin}999.123456`],
  ['-1.5', 2, `${minus}1.50`],
  [null, 2, '–'],
])('exact(%s, %i)', (text, decimals, expected) => expect(exact(text, decimals)).toBe(expected));

test.each([
  [1.005, 2, '1.00'],
  [12345.678, 1, `12${thin}345.7`],
  [-0.001, 2, '0.00'],
  [null, 2, '–'],
  [NaN, 2, '–'],
])('fixed(%s, %i)', (value, decimals, expected) => expect(fixed(value, decimals)).toBe(expected));

test.each([
  [167.4199, 3, '167.420'],
  [0.00000012294, 13, '0.0000001229400'],
  [12345562.19166749, 7, `12${thin}345${thin}562.1916675`],
  [12345562.19166749, 13, `12${thin}345${thin}562.1916675`],
  [1e15, 3, `1${thin}000${thin}000${thin}000${thin}000${thin}000`],
  [null, 2, '–'],
  [NaN, 2, '–'],
])('mean(%s, %i)', (value, decimals, expected) => expect(mean(value, decimals)).toBe(expected));

test.each([
  [0.5, '+0.50'],
  [-0.5, `${minus}0.50`],
  [0, '0.00'],
  [0.001, '0.00'],
  [null, '–'],
])('signed(%s)', (value, expected) => expect(signed(value, 2)).toBe(expected));

test.each([
  [0, '0'],
  [987, '987'],
  [9999, '9999'],
  [12_345, '12.3k'],
  [456_789, '457k'],
  [4_560_000, '4.56M'],
  [7.2e9, '7.20B'],
  [0.25, '0.25'],
  [12.345, '12.35'],
])('compact(%s)', (value, expected) => expect(compact(value)).toBe(expected));

describe('coverage', () => {
  test('is never rounded up to whole', () => expect(percent(0.99999)).toBe('99.9 %'));
  test.each([
    [1, '100 %'],
    [0, '0 %'],
    [0.853, '85.3 %'],
    [0.3, '30 %'],
    [null, '–'],
  ])('percent(%s)', (share, expected) => expect(percent(share)).toBe(expected));
});

test.each([
  [0, '0'],
  [0.28174, '0.2817'],
  [1234.5678, '1235'],
  [2e-9, `2.000e${minus}9`],
])('general(%s)', (value, expected) => expect(general(value, 4)).toBe(expected));
test.each([
  [512, '512 B'],
  [1536, '1.50 KiB'],
  [43_700_000, '41.7 MiB'],
])('bytes(%i)', (count, expected) => expect(bytes(count)).toBe(expected));
test.each([
  ['1', 0],
  ['1.5', 1],
  ['1.2345', 4],
])('decimalsOf(%s)', (text, expected) => expect(decimalsOf(text)).toBe(expected));
test('a far moment has its date', () => expect(clockNear(0, 1e12)).toMatch(/^19(69|70)-/));

test.each([
  ['60s', 60_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['60x', null],
  ['', null],
  ['0s', null],
  ['5', null],
])('parseDuration(%s)', (text, expected) => expect(parseDuration(text)).toBe(expected));
test.each([
  ['60s', '60s'],
  ['90s', '90s'],
  ['300s', '5m'],
  ['5m', '5m'],
  ['3600s', '1h'],
  ['150s', '150s'],
  ['odd', 'odd'],
])('windowName(%s)', (text, expected) => expect(windowName(text)).toBe(expected));
test.each([
  [60_000, '1m'],
  [90_000, '90s'],
  [3_600_000, '1h'],
  [250, '250ms'],
  [86_400_000, '24h'],
])('durationText(%i)', (ms, expected) => expect(durationText(ms)).toBe(expected));
test.each([
  [400, '400 ms'],
  [4_000, '4 s'],
  [125_000, '2 min 5 s'],
  [11_400_000, '3 h 10 min'],
  [3 * 86_400_000, '3 d'],
])('humanDuration(%i)', (ms, expected) => expect(humanDuration(ms)).toBe(expected));
test('a list of words', () => expect(splitList(' 60s, 5m;1h ,')).toEqual(['60s', '5m', '1h']));
