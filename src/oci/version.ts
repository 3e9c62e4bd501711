/** The version of the runtime specification that berth follows. */
export const SPEC_VERSION = "1.3.0";
