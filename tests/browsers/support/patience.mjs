/** In ms. Much longer than anything takes, even on a machine that is busy with something else: only a failure waits so long. */
export const PATIENCE = 60_000;
