/** Names of containers: which are allowed, and the ones that are given to those who come without. */
import { BerthError } from "../lib/error.ts";

const ADJECTIVES =
  "agile amber ample autumn bold brave breezy bright brisk calm candid cheerful clear clever coastal cosy curious daring deft eager early earnest fair fearless fleet fresh gentle glad golden graceful happy hardy honest humble jolly keen kind lively loyal lucid lucky mellow merry mighty modest neat nimble noble patient placid plucky polite proud quick quiet ready robust rosy salty serene sharp shining silent silver sincere sleek smart snug solid sparkling spry steady sturdy sunny swift tender thrifty tidy tranquil trusty upbeat valiant vivid warm watchful willing windy wise witty zesty".split(
    " ",
  );

/** People of the sea, the harbour and the map. */
const SURNAMES =
  "amundsen anning baffin banks barents baret beaufort bellingshausen bering blackwell bligh bowditch brendan cabot carson cochrane cook cousteau dampier darwin davis drake earle erikson fitzroy flinders franklin frobisher gama gray hadley halley harrison henson herschel hudson humboldt hutton kane kaplan kepler king laperouse lovell magellan mahan maury mawson mercator nansen nares nobile orellana oudney palmer parry peary pytheas quiros raleigh ross scoresby scott shackleton slocum smyth stevenson tasman tharp torres vancouver vespucci wegener weddell wilkes wrangel zheng".split(
    " ",
  );

/** `adjective_surname`, with digits behind it once `taken` says that too many are. */
export function randomName(taken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const suffix = attempt < 6 ? "" : String(Math.floor(Math.random() * 10 ** (attempt - 4)));
    const name = `${pick(ADJECTIVES)}_${pick(SURNAMES)}${suffix}`;
    if (!taken(name)) return name;
  }
}

function pick(words: readonly string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? "";
}

/** The name without docker's leading slash (docker itself wants two letters or more); anything that could not be a file name is refused in docker's words. */
export function parseName(text: string): string {
  const name = text.startsWith("/") ? text.slice(1) : text;
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return name;
  throw new BerthError(
    "invalid",
    `Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
  );
}
