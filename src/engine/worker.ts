/** The images' confined worker, for main.ts: the one process of berth that reads hostile archives. */
export { runWorker } from "../images/worker/main.ts";
