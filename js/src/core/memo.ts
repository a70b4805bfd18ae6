// Memoization.

interface Table<K, V> {
  has(key: K): boolean;
  get(key: K): V | undefined;
  set(key: K, value: V): unknown;
}

/** Return the value of a key, computing it on first use. */
export function getOrCompute<K, V>(known: Table<K, V>, key: K, compute: () => V): V {
  if (!known.has(key)) known.set(key, compute());
  return known.get(key)!;
}

/** Cache the results of `compute` per object and key, for the lifetime of the object. */
export function memoize<O extends object, V, K = void>(compute: (of: O, key: K) => V): (of: O, key: K) => V {
  const known = new WeakMap<O, Map<K, V>>();
  return (of, key) => {
    const values = getOrCompute(known, of, () => new Map<K, V>());
    return getOrCompute(values, key, () => compute(of, key));
  };
}
