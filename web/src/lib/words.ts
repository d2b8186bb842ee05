// words.ts - looks words up in a catalogue (messages/<language>/*.json) and fills its {places}.

export type Catalogue = Readonly<Record<string, string>>;
export type Filling = Readonly<Record<string, string | number>>;

/** A function that gives the words for a key. A key that is not there is a fault of ours: it is shown, and said in the console. */
export function wordsOf<C extends Catalogue>(catalogue: C): (key: keyof C & string, filling?: Filling) => string {
  return (key, filling) => {
    const text = catalogue[key];
    if (text === undefined) {
      console.error(`no words for ${key}`);
      return key;
    }
    return filling ? text.replace(/\{(\w+)\}/g, (place, name: string) => String(filling[name] ?? place)) : text;
  };
}
