/** Makes a stream take whatever is written to it, and do nothing with it. */

interface Target {
  write: unknown;
  end: unknown;
}

/** No error, as for a client that left between two writes: `write` after `end` would be an uncaught exception. */
export function swallowWrites(target: object): void {
  const stream = target as Target;
  stream.write = (...args: unknown[]) => {
    callBack(args);
    return true;
  };
  stream.end = (...args: unknown[]) => {
    callBack(args);
    return target;
  };
}

/** Tells the writer that it is done, a turn later as a stream would. */
export function callBack(args: readonly unknown[]): void {
  const callback = args.find((argument) => typeof argument === 'function');
  if (callback) process.nextTick(callback as () => void);
}
