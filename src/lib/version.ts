/** What berth calls itself. `BUILD` names the sources this executable was made from; the bundler writes it in. */
export const VERSION = "0.1.0";
export const BUILD: string = process.env.BERTH_BUILD ?? "source";
