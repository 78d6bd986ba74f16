/** `work`, at most once at a time and once more when it was asked for meanwhile: an older answer never comes last. */
export function coalesced(work) {
  let running = null;
  let again = false;
  const run = async () => {
    do {
      again = false;
      await work();
    } while (again);
    running = null;
  };
  return () => {
    again = Boolean(running);
    running ??= run();
    return running;
  };
}
