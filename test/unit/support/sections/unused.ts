export const never = (): null => null;
if (never() === null) throw new Error("parsed and run");
