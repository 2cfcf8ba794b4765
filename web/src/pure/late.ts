// Why trades came too late for every window, in words.

import type { Pipeline } from '../contract';
import { exact } from './format';

/** All of them and, once there are any, the causes: `12: 10 delayed, 2 out of order`. */
export function lateByCause({ late_dropped, late_dropped_by_cause }: Pipeline): string {
  const all = exact(String(late_dropped));
  if (late_dropped === 0) return all;
  const causes = Object.entries(late_dropped_by_cause)
    .filter(([, count]) => count > 0)
    .map(([cause, count]) => `${exact(String(count))} ${cause.replaceAll('_', ' ')}`);
  return `${all}: ${causes.join(', ')}`;
}
