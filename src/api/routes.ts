/** Everything that is served. Order counts only among paths that overlap. */
import { absentRoutes } from "./absent.ts";
import { archiveRoutes } from "./archives.ts";
import { berthRoutes } from "./berth.ts";
import { containerStreamRoutes } from "./container-streams.ts";
import { containerRoutes } from "./containers.ts";
import { execRoutes } from "./execs.ts";
import { imageRoutes } from "./images.ts";
import type { Route } from "./route.ts";
import { systemRoutes } from "./system.ts";
import { unsupportedRoutes } from "./unsupported.ts";

export const ROUTES: readonly Route[] = [
  ...systemRoutes,
  ...containerRoutes,
  ...containerStreamRoutes,
  ...execRoutes,
  ...archiveRoutes,
  ...imageRoutes,
  ...absentRoutes,
  ...berthRoutes,
  ...unsupportedRoutes,
];
