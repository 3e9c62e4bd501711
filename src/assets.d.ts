/** What the build makes of native/, embedded in the executable: the import is a path that node:fs can read. */
declare module "*/dist/native/hello" {
  const path: string;
  export default path;
}
declare module "*/dist/native/shim" {
  const path: string;
  export default path;
}
