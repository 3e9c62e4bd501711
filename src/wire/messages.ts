/** The texts that Docker's clients look for in an error, word for word. Each names a client that would break without it. */

/** docker-py docker/errors.py, testcontainers-go docker.go: by status 404; people and scripts by these words. */
export const noSuchContainer = (ref: string): string => `No such container: ${ref}`;

/** docker-py docker/errors.py raises ImageNotFound on `no such image`; docker/cli run.go pulls on status 404. */
export const noSuchImage = (ref: string): string => `No such image: ${ref}`;

/** docker/cli cli/command/container/exec.go prints it; clients that poll an exec stop on it. */
export const noSuchExec = (id: string): string => `No such exec instance: ${id}`;

/** testcontainers-go docker.go (createContainerFailDueToNameConflictRegex), minikube, sqlc. `name` without its slash. */
export const nameTaken = (name: string, id: string): string =>
  `Conflict. The container name "/${name}" is already in use by container "${id}". ` +
  "You have to remove (or rename) that container to be able to reuse that name.";

/** Ansible community.docker module_utils/module_container/docker_api.py, testcontainers: removal by two at once is fine. */
export const removalInProgress = (ref: string): string =>
  `removal of container ${ref} is already in progress`;

/** moby daemon/runtime_unix.go; docker/cli run.go prints it after a 400. */
export const unknownRuntime = (name: string): string => `unknown or invalid runtime name: ${name}`;

/** docker/cli rm.go prints it after a 409; the words are those of moby daemon/delete.go. */
export const removeRunning = (name: string, status: string): string =>
  status === "paused"
    ? `cannot remove container "/${name}": container is paused and must be unpaused first`
    : `cannot remove container "/${name}": container is ${status}: stop the container before removing or force remove`;

/** docker/cli kill.go and stop.go print it; docker-java and scripts match `is not running`. */
export const notRunning = (id: string): string => `container ${id} is not running`;

/** moby daemon/kill.go puts this before every error of a kill. */
export const cannotKill = (ref: string, why: string): string => `cannot kill container: ${ref}: ${why}`;

/** moby daemon/pause.go and unpause.go. */
export const alreadyPaused = (id: string): string => `Container ${id} is already paused`;
export const notPaused = (id: string): string => `Container ${id} is not paused`;

/** moby daemon/errors.go: exec into, and start of, a container whose processes are frozen. */
export const execPaused = (id: string): string =>
  `Container ${id} is paused, unpause the container before exec`;
export const startPaused = "cannot start a paused container, try unpause instead";

/** docker/cli cli/command/container/run.go and start.go: exit code 127 on these words, 126 on `permission denied`. */
export const commandNotFound = (command: string): string =>
  command.includes("/")
    ? `exec: "${command}": stat ${command}: no such file or directory`
    : `exec: "${command}": executable file not found in $PATH`;

/** docker/cli cp.go prints it after a 404 of the archive endpoints. */
export const noSuchFile = (path: string, ref: string): string =>
  `Could not find the file ${path} in container ${ref}`;

/** docker-py docker/errors.py raises ImageNotFound on `repository does not exist`; compose offers to build. */
export const pullDenied = (repository: string): string =>
  `pull access denied for ${repository}, repository does not exist or may require 'docker login'`;

/** docker-py docker/errors.py raises ImageNotFound on `was found but does not match the specified platform`. */
export const platformMismatch = (ref: string, actual: string, wanted: string): string =>
  `image with reference ${ref} was found but does not match the specified platform: ` +
  `wanted ${wanted}, actual: ${actual}`;

/** moby client/ping.go and hosts that downgrade: Traefik, Portainer and docker-py read the versions out of these. */
export const clientTooOld = (version: string, minimum: string): string =>
  `client version ${version} is too old. Minimum supported API version is ${minimum}, ` +
  "please upgrade your client to a newer version";
export const clientTooNew = (version: string, maximum: string): string =>
  `client version ${version} is too new. Maximum supported API version is ${maximum}`;

/** moby client/errors.go: a 404 with these words means that the engine has no such endpoint. */
export const PAGE_NOT_FOUND = "page not found";

/** moby daemon/images/image_delete.go; docker/cli rmi prints it, CI cleaners match `image is being used by`. */
export const imageInUse = (imageId: string, container: string, status: "running" | "stopped"): string =>
  `conflict: unable to delete ${imageId} (${status === "running" ? "cannot be forced" : "must be forced"}) ` +
  `- image is being used by ${status} container ${container}`;
export const imageReferenced = (imageId: string): string =>
  `conflict: unable to delete ${imageId} (must be forced) - image is referenced in multiple repositories`;
export const tagInUse = (ref: string, container: string, imageId: string): string =>
  `conflict: unable to remove repository reference "${ref}" (must force) ` +
  `- container ${container} is using its referenced image ${imageId}`;
