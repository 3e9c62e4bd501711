/** Docker's API 1.50 as types: extracted by tools/wire-types.ts from moby's swagger description (Apache-2.0). */

export type Address = { Addr?: string | null; PrefixLen?: number | null };

export type ChangeType = number;

export type ClusterInfo = {
  ID?: string | null;
  Version?: ObjectVersion | null;
  CreatedAt?: string | null;
  UpdatedAt?: string | null;
  Spec?: SwarmSpec | null;
  TLSInfo?: TLSInfo | null;
  RootRotationInProgress?: boolean | null;
  DataPathPort?: number | null;
  DefaultAddrPool?: string[] | null;
  SubnetSize?: number | null;
};

export type Commit = { ID?: string | null };

export type ContainerBlkioStatEntry = {
  major?: number | null;
  minor?: number | null;
  op?: string | null;
  value?: number | null;
};

export type ContainerBlkioStats = {
  io_service_bytes_recursive?: ContainerBlkioStatEntry[] | null;
  io_serviced_recursive?: ContainerBlkioStatEntry[] | null;
  io_queue_recursive?: ContainerBlkioStatEntry[] | null;
  io_service_time_recursive?: ContainerBlkioStatEntry[] | null;
  io_wait_time_recursive?: ContainerBlkioStatEntry[] | null;
  io_merged_recursive?: ContainerBlkioStatEntry[] | null;
  io_time_recursive?: ContainerBlkioStatEntry[] | null;
  sectors_recursive?: ContainerBlkioStatEntry[] | null;
};

export type ContainerCPUStats = {
  cpu_usage?: ContainerCPUUsage | null;
  system_cpu_usage?: number | null;
  online_cpus?: number | null;
  throttling_data?: ContainerThrottlingData | null;
};

export type ContainerCPUUsage = {
  total_usage?: number | null;
  percpu_usage?: number[] | null;
  usage_in_kernelmode?: number | null;
  usage_in_usermode?: number | null;
};

export type ContainerConfig = {
  Hostname?: string | null;
  Domainname?: string | null;
  User?: string | null;
  AttachStdin?: boolean | null;
  AttachStdout?: boolean | null;
  AttachStderr?: boolean | null;
  ExposedPorts?: { [name: string]: { [name: string]: unknown } } | null;
  Tty?: boolean | null;
  OpenStdin?: boolean | null;
  StdinOnce?: boolean | null;
  Env?: string[] | null;
  Cmd?: string[] | null;
  Healthcheck?: HealthConfig | null;
  ArgsEscaped?: boolean | null;
  Image?: string | null;
  Volumes?: { [name: string]: { [name: string]: unknown } } | null;
  WorkingDir?: string | null;
  Entrypoint?: string[] | null;
  NetworkDisabled?: boolean | null;
  MacAddress?: string | null;
  OnBuild?: string[] | null;
  Labels?: { [name: string]: string } | null;
  StopSignal?: string | null;
  StopTimeout?: number | null;
  Shell?: string[] | null;
};

export type ContainerCreateResponse = { Id: string; Warnings: string[] };

export type ContainerInspectResponse = {
  Id?: string | null;
  Created?: string | null;
  Path?: string | null;
  Args?: string[] | null;
  State?: ContainerState | null;
  Image?: string | null;
  ResolvConfPath?: string | null;
  HostnamePath?: string | null;
  HostsPath?: string | null;
  LogPath?: string | null;
  Name?: string | null;
  RestartCount?: number | null;
  Driver?: string | null;
  Platform?: string | null;
  ImageManifestDescriptor?: OCIDescriptor | null;
  MountLabel?: string | null;
  ProcessLabel?: string | null;
  AppArmorProfile?: string | null;
  ExecIDs?: string[] | null;
  HostConfig?: HostConfig | null;
  GraphDriver?: DriverData | null;
  SizeRw?: number | null;
  SizeRootFs?: number | null;
  Mounts?: MountPoint[] | null;
  Config?: ContainerConfig | null;
  NetworkSettings?: NetworkSettings | null;
};

export type ContainerMemoryStats = {
  usage?: number | null;
  max_usage?: number | null;
  stats?: { [name: string]: number } | null;
  failcnt?: number | null;
  limit?: number | null;
  commitbytes?: number | null;
  commitpeakbytes?: number | null;
  privateworkingset?: number | null;
};

export type ContainerNetworkStats = {
  rx_bytes?: number | null;
  rx_packets?: number | null;
  rx_errors?: number | null;
  rx_dropped?: number | null;
  tx_bytes?: number | null;
  tx_packets?: number | null;
  tx_errors?: number | null;
  tx_dropped?: number | null;
  endpoint_id?: string | null;
  instance_id?: string | null;
};

export type ContainerPidsStats = { current?: number | null; limit?: number | null };

export type ContainerState = {
  Status?: "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead" | null;
  Running?: boolean | null;
  Paused?: boolean | null;
  Restarting?: boolean | null;
  OOMKilled?: boolean | null;
  Dead?: boolean | null;
  Pid?: number | null;
  ExitCode?: number | null;
  Error?: string | null;
  StartedAt?: string | null;
  FinishedAt?: string | null;
  Health?: Health | null;
};

export type ContainerStatsResponse = {
  name?: string | null;
  id?: string | null;
  read?: string | null;
  preread?: string | null;
  pids_stats?: ContainerPidsStats | null;
  blkio_stats?: ContainerBlkioStats | null;
  num_procs?: number | null;
  storage_stats?: ContainerStorageStats | null;
  cpu_stats?: ContainerCPUStats | null;
  precpu_stats?: ContainerCPUStats | null;
  memory_stats?: ContainerMemoryStats | null;
  networks?: { [name: string]: ContainerNetworkStats } | null;
};

export type ContainerStorageStats = {
  read_count_normalized?: number | null;
  read_size_bytes?: number | null;
  write_count_normalized?: number | null;
  write_size_bytes?: number | null;
};

export type ContainerSummary = {
  Id?: string | null;
  Names?: string[] | null;
  Image?: string | null;
  ImageID?: string | null;
  ImageManifestDescriptor?: OCIDescriptor | null;
  Command?: string | null;
  Created?: number | null;
  Ports?: Port[] | null;
  SizeRw?: number | null;
  SizeRootFs?: number | null;
  Labels?: { [name: string]: string } | null;
  State?: "created" | "running" | "paused" | "restarting" | "exited" | "removing" | "dead" | null;
  Status?: string | null;
  HostConfig?: { NetworkMode?: string | null; Annotations?: { [name: string]: string } | null } | null;
  NetworkSettings?: { Networks?: { [name: string]: EndpointSettings } | null } | null;
  Mounts?: MountPoint[] | null;
};

export type ContainerThrottlingData = {
  periods?: number | null;
  throttled_periods?: number | null;
  throttled_time?: number | null;
};

export type ContainerTopResponse = { Titles?: string[] | null; Processes?: string[][] | null };

export type ContainerUpdateResponse = { Warnings?: string[] | null };

export type ContainerWaitExitError = { Message?: string | null };

export type ContainerWaitResponse = { StatusCode: number; Error?: ContainerWaitExitError | null };

export type ContainerdInfo = {
  Address?: string | null;
  Namespaces?: { Containers?: string | null; Plugins?: string | null } | null;
};

export type CreateImageInfo = {
  id?: string | null;
  error?: string | null;
  errorDetail?: ErrorDetail | null;
  status?: string | null;
  progress?: string | null;
  progressDetail?: ProgressDetail | null;
};

export type DeviceInfo = { Source?: string | null; ID?: string | null };

export type DeviceMapping = {
  PathOnHost?: string | null;
  PathInContainer?: string | null;
  CgroupPermissions?: string | null;
};

export type DeviceRequest = {
  Driver?: string | null;
  Count?: number | null;
  DeviceIDs?: string[] | null;
  Capabilities?: string[][] | null;
  Options?: { [name: string]: string } | null;
};

export type DriverData = { Name: string; Data: { [name: string]: string } };

export type EndpointIPAMConfig = {
  IPv4Address?: string | null;
  IPv6Address?: string | null;
  LinkLocalIPs?: string[] | null;
};

export type EndpointSettings = {
  IPAMConfig?: EndpointIPAMConfig | null;
  Links?: string[] | null;
  MacAddress?: string | null;
  Aliases?: string[] | null;
  DriverOpts?: { [name: string]: string } | null;
  GwPriority?: number | null;
  NetworkID?: string | null;
  EndpointID?: string | null;
  Gateway?: string | null;
  IPAddress?: string | null;
  IPPrefixLen?: number | null;
  IPv6Gateway?: string | null;
  GlobalIPv6Address?: string | null;
  GlobalIPv6PrefixLen?: number | null;
  DNSNames?: string[] | null;
};

export type ErrorDetail = { code?: number | null; message?: string | null };

export type ErrorResponse = { message: string };

export type EventActor = { ID?: string | null; Attributes?: { [name: string]: string } | null };

export type EventMessage = {
  Type?:
    | "builder"
    | "config"
    | "container"
    | "daemon"
    | "image"
    | "network"
    | "node"
    | "plugin"
    | "secret"
    | "service"
    | "volume"
    | null;
  Action?: string | null;
  Actor?: EventActor | null;
  scope?: "local" | "swarm" | null;
  time?: number | null;
  timeNano?: number | null;
};

export type FilesystemChange = { Path: string; Kind: ChangeType };

export type FirewallInfo = { Driver?: string | null; Info?: string[][] | null };

export type GenericResources = {
  NamedResourceSpec?: { Kind?: string | null; Value?: string | null } | null;
  DiscreteResourceSpec?: { Kind?: string | null; Value?: number | null } | null;
}[];

export type Health = {
  Status?: "none" | "starting" | "healthy" | "unhealthy" | null;
  FailingStreak?: number | null;
  Log?: HealthcheckResult[] | null;
};

export type HealthConfig = {
  Test?: string[] | null;
  Interval?: number | null;
  Timeout?: number | null;
  Retries?: number | null;
  StartPeriod?: number | null;
  StartInterval?: number | null;
};

export type HealthcheckResult = {
  Start?: string | null;
  End?: string | null;
  ExitCode?: number | null;
  Output?: string | null;
};

export type HostConfig = Resources & {
  Binds?: string[] | null;
  ContainerIDFile?: string | null;
  LogConfig?: {
    Type?:
      | "local"
      | "json-file"
      | "syslog"
      | "journald"
      | "gelf"
      | "fluentd"
      | "awslogs"
      | "splunk"
      | "etwlogs"
      | "none"
      | null;
    Config?: { [name: string]: string } | null;
  } | null;
  NetworkMode?: string | null;
  PortBindings?: PortMap | null;
  RestartPolicy?: RestartPolicy | null;
  AutoRemove?: boolean | null;
  VolumeDriver?: string | null;
  VolumesFrom?: string[] | null;
  Mounts?: Mount[] | null;
  ConsoleSize?: number[] | null;
  Annotations?: { [name: string]: string } | null;
  CapAdd?: string[] | null;
  CapDrop?: string[] | null;
  CgroupnsMode?: "private" | "host" | null;
  Dns?: string[] | null;
  DnsOptions?: string[] | null;
  DnsSearch?: string[] | null;
  ExtraHosts?: string[] | null;
  GroupAdd?: string[] | null;
  IpcMode?: string | null;
  Cgroup?: string | null;
  Links?: string[] | null;
  OomScoreAdj?: number | null;
  PidMode?: string | null;
  Privileged?: boolean | null;
  PublishAllPorts?: boolean | null;
  ReadonlyRootfs?: boolean | null;
  SecurityOpt?: string[] | null;
  StorageOpt?: { [name: string]: string } | null;
  Tmpfs?: { [name: string]: string } | null;
  UTSMode?: string | null;
  UsernsMode?: string | null;
  ShmSize?: number | null;
  Sysctls?: { [name: string]: string } | null;
  Runtime?: string | null;
  Isolation?: "default" | "process" | "hyperv" | "" | null;
  MaskedPaths?: string[] | null;
  ReadonlyPaths?: string[] | null;
};

export type IDResponse = { Id: string };

export type ImageConfig = {
  User?: string | null;
  ExposedPorts?: { [name: string]: { [name: string]: unknown } } | null;
  Env?: string[] | null;
  Cmd?: string[] | null;
  Healthcheck?: HealthConfig | null;
  ArgsEscaped?: boolean | null;
  Volumes?: { [name: string]: { [name: string]: unknown } } | null;
  WorkingDir?: string | null;
  Entrypoint?: string[] | null;
  OnBuild?: string[] | null;
  Labels?: { [name: string]: string } | null;
  StopSignal?: string | null;
  Shell?: string[] | null;
};

export type ImageDeleteResponseItem = { Untagged?: string | null; Deleted?: string | null };

export type ImageHistoryResponseItem = {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[];
  Size: number;
  Comment: string;
};

export type ImageInspect = {
  Id?: string | null;
  Descriptor?: OCIDescriptor | null;
  Manifests?: ImageManifestSummary[] | null;
  RepoTags?: string[] | null;
  RepoDigests?: string[] | null;
  Parent?: string | null;
  Comment?: string | null;
  Created?: string | null;
  DockerVersion?: string | null;
  Author?: string | null;
  Config?: ImageConfig | null;
  Architecture?: string | null;
  Variant?: string | null;
  Os?: string | null;
  OsVersion?: string | null;
  Size?: number | null;
  GraphDriver?: DriverData | null;
  RootFS?: { Type: string; Layers?: string[] | null } | null;
  Metadata?: { LastTagTime?: string | null } | null;
};

export type ImageManifestSummary = {
  ID: string;
  Descriptor: OCIDescriptor;
  Available: boolean;
  Size: { Total: number; Content: number };
  Kind: "image" | "attestation" | "unknown";
  ImageData?: { Platform: OCIPlatform; Containers: string[]; Size: { Unpacked: number } } | null;
  AttestationData?: { For: string } | null;
};

export type ImageSummary = {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  Created: number;
  Size: number;
  SharedSize: number;
  Labels: { [name: string]: string };
  Containers: number;
  Manifests?: ImageManifestSummary[] | null;
  Descriptor?: OCIDescriptor | null;
};

export type IndexInfo = {
  Name?: string | null;
  Mirrors?: string[] | null;
  Secure?: boolean | null;
  Official?: boolean | null;
};

export type LocalNodeState = "" | "inactive" | "pending" | "active" | "error" | "locked";

export type Mount = {
  Target?: string | null;
  Source?: string | null;
  Type?: MountType | null;
  ReadOnly?: boolean | null;
  Consistency?: string | null;
  BindOptions?: {
    Propagation?: "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" | null;
    NonRecursive?: boolean | null;
    CreateMountpoint?: boolean | null;
    ReadOnlyNonRecursive?: boolean | null;
    ReadOnlyForceRecursive?: boolean | null;
  } | null;
  VolumeOptions?: {
    NoCopy?: boolean | null;
    Labels?: { [name: string]: string } | null;
    DriverConfig?: { Name?: string | null; Options?: { [name: string]: string } | null } | null;
    Subpath?: string | null;
  } | null;
  ImageOptions?: { Subpath?: string | null } | null;
  TmpfsOptions?: { SizeBytes?: number | null; Mode?: number | null; Options?: string[][] | null } | null;
};

export type MountPoint = {
  Type?: MountType | null;
  Name?: string | null;
  Source?: string | null;
  Destination?: string | null;
  Driver?: string | null;
  Mode?: string | null;
  RW?: boolean | null;
  Propagation?: string | null;
};

export type MountType = "bind" | "cluster" | "image" | "npipe" | "tmpfs" | "volume";

export type NetworkSettings = {
  Bridge?: string | null;
  SandboxID?: string | null;
  HairpinMode?: boolean | null;
  LinkLocalIPv6Address?: string | null;
  LinkLocalIPv6PrefixLen?: number | null;
  Ports?: PortMap | null;
  SandboxKey?: string | null;
  SecondaryIPAddresses?: Address[] | null;
  SecondaryIPv6Addresses?: Address[] | null;
  EndpointID?: string | null;
  Gateway?: string | null;
  GlobalIPv6Address?: string | null;
  GlobalIPv6PrefixLen?: number | null;
  IPAddress?: string | null;
  IPPrefixLen?: number | null;
  IPv6Gateway?: string | null;
  MacAddress?: string | null;
  Networks?: { [name: string]: EndpointSettings } | null;
};

export type NetworkingConfig = { EndpointsConfig?: { [name: string]: EndpointSettings } | null };

export type OCIDescriptor = {
  mediaType?: string | null;
  digest?: string | null;
  size?: number | null;
  urls?: string[] | null;
  annotations?: { [name: string]: string } | null;
  data?: string | null;
  platform?: OCIPlatform | null;
  artifactType?: string | null;
};

export type OCIPlatform = {
  architecture?: string | null;
  os?: string | null;
  "os.version"?: string | null;
  "os.features"?: string[] | null;
  variant?: string | null;
};

export type ObjectVersion = { Index?: number | null };

export type PeerNode = { NodeID?: string | null; Addr?: string | null };

export type PluginsInfo = {
  Volume?: string[] | null;
  Network?: string[] | null;
  Authorization?: string[] | null;
  Log?: string[] | null;
};

export type Port = {
  IP?: string | null;
  PrivatePort: number;
  PublicPort?: number | null;
  Type: "tcp" | "udp" | "sctp";
};

export type PortBinding = { HostIp?: string | null; HostPort?: string | null };

export type PortMap = { [name: string]: PortBinding[] };

export type ProcessConfig = {
  privileged?: boolean | null;
  user?: string | null;
  tty?: boolean | null;
  entrypoint?: string | null;
  arguments?: string[] | null;
};

export type ProgressDetail = { current?: number | null; total?: number | null };

export type RegistryServiceConfig = {
  InsecureRegistryCIDRs?: string[] | null;
  IndexConfigs?: { [name: string]: IndexInfo } | null;
  Mirrors?: string[] | null;
};

export type Resources = {
  CpuShares?: number | null;
  Memory?: number | null;
  CgroupParent?: string | null;
  BlkioWeight?: number | null;
  BlkioWeightDevice?: { Path?: string | null; Weight?: number | null }[] | null;
  BlkioDeviceReadBps?: ThrottleDevice[] | null;
  BlkioDeviceWriteBps?: ThrottleDevice[] | null;
  BlkioDeviceReadIOps?: ThrottleDevice[] | null;
  BlkioDeviceWriteIOps?: ThrottleDevice[] | null;
  CpuPeriod?: number | null;
  CpuQuota?: number | null;
  CpuRealtimePeriod?: number | null;
  CpuRealtimeRuntime?: number | null;
  CpusetCpus?: string | null;
  CpusetMems?: string | null;
  Devices?: DeviceMapping[] | null;
  DeviceCgroupRules?: string[] | null;
  DeviceRequests?: DeviceRequest[] | null;
  KernelMemoryTCP?: number | null;
  MemoryReservation?: number | null;
  MemorySwap?: number | null;
  MemorySwappiness?: number | null;
  NanoCpus?: number | null;
  OomKillDisable?: boolean | null;
  Init?: boolean | null;
  PidsLimit?: number | null;
  Ulimits?: { Name?: string | null; Soft?: number | null; Hard?: number | null }[] | null;
  CpuCount?: number | null;
  CpuPercent?: number | null;
  IOMaximumIOps?: number | null;
  IOMaximumBandwidth?: number | null;
};

export type RestartPolicy = {
  Name?: "" | "no" | "always" | "unless-stopped" | "on-failure" | null;
  MaximumRetryCount?: number | null;
};

export type Runtime = {
  path?: string | null;
  runtimeArgs?: string[] | null;
  status?: { [name: string]: string } | null;
};

export type SwarmInfo = {
  NodeID?: string | null;
  NodeAddr?: string | null;
  LocalNodeState?: LocalNodeState | null;
  ControlAvailable?: boolean | null;
  Error?: string | null;
  RemoteManagers?: PeerNode[] | null;
  Nodes?: number | null;
  Managers?: number | null;
  Cluster?: ClusterInfo | null;
};

export type SwarmSpec = {
  Name?: string | null;
  Labels?: { [name: string]: string } | null;
  Orchestration?: { TaskHistoryRetentionLimit?: number | null } | null;
  Raft?: {
    SnapshotInterval?: number | null;
    KeepOldSnapshots?: number | null;
    LogEntriesForSlowFollowers?: number | null;
    ElectionTick?: number | null;
    HeartbeatTick?: number | null;
  } | null;
  Dispatcher?: { HeartbeatPeriod?: number | null } | null;
  CAConfig?: {
    NodeCertExpiry?: number | null;
    ExternalCAs?:
      | {
          Protocol?: "cfssl" | null;
          URL?: string | null;
          Options?: { [name: string]: string } | null;
          CACert?: string | null;
        }[]
      | null;
    SigningCACert?: string | null;
    SigningCAKey?: string | null;
    ForceRotate?: number | null;
  } | null;
  EncryptionConfig?: { AutoLockManagers?: boolean | null } | null;
  TaskDefaults?: {
    LogDriver?: { Name?: string | null; Options?: { [name: string]: string } | null } | null;
  } | null;
};

export type SystemInfo = {
  ID?: string | null;
  Containers?: number | null;
  ContainersRunning?: number | null;
  ContainersPaused?: number | null;
  ContainersStopped?: number | null;
  Images?: number | null;
  Driver?: string | null;
  DriverStatus?: string[][] | null;
  DockerRootDir?: string | null;
  Plugins?: PluginsInfo | null;
  MemoryLimit?: boolean | null;
  SwapLimit?: boolean | null;
  KernelMemoryTCP?: boolean | null;
  CpuCfsPeriod?: boolean | null;
  CpuCfsQuota?: boolean | null;
  CPUShares?: boolean | null;
  CPUSet?: boolean | null;
  PidsLimit?: boolean | null;
  OomKillDisable?: boolean | null;
  IPv4Forwarding?: boolean | null;
  Debug?: boolean | null;
  NFd?: number | null;
  NGoroutines?: number | null;
  SystemTime?: string | null;
  LoggingDriver?: string | null;
  CgroupDriver?: "cgroupfs" | "systemd" | "none" | null;
  CgroupVersion?: "1" | "2" | null;
  NEventsListener?: number | null;
  KernelVersion?: string | null;
  OperatingSystem?: string | null;
  OSVersion?: string | null;
  OSType?: string | null;
  Architecture?: string | null;
  NCPU?: number | null;
  MemTotal?: number | null;
  IndexServerAddress?: string | null;
  RegistryConfig?: RegistryServiceConfig | null;
  GenericResources?: GenericResources | null;
  HttpProxy?: string | null;
  HttpsProxy?: string | null;
  NoProxy?: string | null;
  Name?: string | null;
  Labels?: string[] | null;
  ExperimentalBuild?: boolean | null;
  ServerVersion?: string | null;
  Runtimes?: { [name: string]: Runtime } | null;
  DefaultRuntime?: string | null;
  Swarm?: SwarmInfo | null;
  LiveRestoreEnabled?: boolean | null;
  Isolation?: "default" | "hyperv" | "process" | "" | null;
  InitBinary?: string | null;
  ContainerdCommit?: Commit | null;
  RuncCommit?: Commit | null;
  InitCommit?: Commit | null;
  SecurityOptions?: string[] | null;
  ProductLicense?: string | null;
  DefaultAddressPools?: { Base?: string | null; Size?: number | null }[] | null;
  FirewallBackend?: FirewallInfo | null;
  DiscoveredDevices?: DeviceInfo[] | null;
  Warnings?: string[] | null;
  CDISpecDirs?: string[] | null;
  Containerd?: ContainerdInfo | null;
};

export type SystemVersion = {
  Platform?: { Name: string } | null;
  Components?: { Name: string; Version: string; Details?: { [name: string]: unknown } | null }[] | null;
  Version?: string | null;
  ApiVersion?: string | null;
  MinAPIVersion?: string | null;
  GitCommit?: string | null;
  GoVersion?: string | null;
  Os?: string | null;
  Arch?: string | null;
  KernelVersion?: string | null;
  Experimental?: boolean | null;
  BuildTime?: string | null;
};

export type TLSInfo = {
  TrustRoot?: string | null;
  CertIssuerSubject?: string | null;
  CertIssuerPublicKey?: string | null;
};

export type ThrottleDevice = { Path?: string | null; Rate?: number | null };
