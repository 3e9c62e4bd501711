/** A command of another process cannot be performed here. Thrown before anything is done: that process performs it itself. */
export class Elsewhere extends Error {
  override readonly name = "Elsewhere";
}
