// Display names for the readings, the kinds of word maps.

interface ReadingName {
  label: string; // on the switch
  short: string; // in the legend
  help: string;
}

const NAMES: Readonly<Record<string, ReadingName>> = {
  "in caption": {
    label: "In this sentence",
    short: "in this sentence",
    help: "Where the word’s own part of this sentence’s score comes from",
  },
  alone: {
    label: "On its own",
    short: "on its own",
    help: "Where the model looks for the word by itself, in a sentence of this word alone",
  },
  "left out": {
    label: "What is lost without it",
    short: "lost without it",
    help: "Where the part of the score comes from that is lost when the word is left out",
  },
};

/** The display name of a reading; its own name if it is unknown here. */
export function readingName(reading: string): ReadingName {
  return NAMES[reading] ?? { label: reading, short: reading, help: "" };
}
