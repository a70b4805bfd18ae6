// Results kept for as long as the object that they are of.

/** Make `compute` remember its results per object and key. */
export function memoize<O extends object, V>(compute: (of: O, key: string) => V): (of: O, key?: string) => V {
  const known = new WeakMap<O, Map<string, V>>();
  return (of, key = "") => {
    const values = known.get(of) ?? new Map<string, V>();
    known.set(of, values);
    if (!values.has(key)) values.set(key, compute(of, key));
    return values.get(key)!;
  };
}
