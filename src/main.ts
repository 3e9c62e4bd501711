/** Which face of berth was asked for; the only place that ends the process. */
const path: string = (await import("../dist/native/hello", { with: { type: "file" } })).default;
console.log(`berth ${process.env.BERTH_BUILD} ${path}`);
