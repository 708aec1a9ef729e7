// Rules for compute targets, and whether a service fits on one.
#include <algorithm>
#include <array>
#include <charconv>

#include "resources/checks.h"
#include "resources/rules.h"

namespace slipway::resources {

namespace {

constexpr std::string_view kDenseProd = "DenseProd";
constexpr std::string_view kPublicIp = "PublicIp";
constexpr std::string_view kInternalLoadBalancer = "InternalLoadBalancer";
constexpr std::string_view kDefaultVmSize = "Standard_D3_v2";
constexpr int kMaxAgents = 1'000;
constexpr std::string_view kNetworkPath = "properties.properties.aksNetworkingConfiguration";

std::string field(std::string_view name) { return "properties.properties." + std::string(name); }

std::string number(std::int64_t value) { return std::to_string(value); }

Result<void> check_purpose(const ComputeTarget& target) {
  for (std::string_view known : {kFastProd, kDevTest, kDenseProd})
    if (target.purpose == known) return {};
  return refuse(field("clusterPurpose"), "The cluster purpose " + shown(target.purpose) +
                                             " is unknown; give FastProd (production) or DevTest");
}

// The documented floor of a production cluster, with its arithmetic and both ways out.
Result<void> check_vcpus(const ComputeTarget& target, const VmSize& size) {
  const std::int64_t total = std::int64_t{target.agent_count} * size.vcpus;
  if (target.purpose == kDevTest || total >= kFastProdVcpus) return {};
  const int needed = (kFastProdVcpus + size.vcpus - 1) / size.vcpus;
  return refuse(
      field("agentCount"),
      "A cluster of purpose " + target.purpose + " needs at least " + number(kFastProdVcpus) +
          " virtual CPUs, but agent_count " + number(target.agent_count) + " × " +
          number(size.vcpus) + " vCPUs of " + std::string(size.name) + " = " + number(total) +
          ". Set agent_count to at least " + number(needed) +
          ", choose a larger vm_size, or use cluster_purpose DEV_TEST (not for production)");
}

std::string text_of(const json::value& object, std::string_view key) {
  return string_or(object, key, "");
}

Result<void> check_load_balancer(const ComputeTarget& target) {
  const std::string path = field("loadBalancerType");
  if (target.load_balancer_type != kPublicIp && target.load_balancer_type != kInternalLoadBalancer)
    return refuse(path, "The load balancer type " + shown(target.load_balancer_type) +
                            " is unknown; give PublicIp or InternalLoadBalancer");
  const bool internal = target.load_balancer_type == kInternalLoadBalancer;
  if (!internal && !target.load_balancer_subnet.empty())
    return refuse(field("loadBalancerSubnet"),
                  "load_balancer_subnet " + shown(target.load_balancer_subnet) +
                      " is given with load balancer type PublicIp; it belongs to "
                      "InternalLoadBalancer only. Leave it out, or change the type");
  if (internal && !text_of(target.ssl, "leafDomainLabel").empty())
    return refuse(field("sslConfiguration.leafDomainLabel"),
                  "A leaf domain label needs a public address, but the load balancer type is "
                  "InternalLoadBalancer. Give your own certificate, or use PublicIp");
  return {};
}

struct Cidr {
  std::uint32_t address = 0;
  unsigned bits = 32;
  std::uint32_t mask() const { return bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits); }
};

// One decimal number of at most `max`, taken from the front of `text`.
std::optional<unsigned> take_number(std::string_view& text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value > max) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Cidr> parse_ipv4(std::string_view text, bool with_bits) {
  Cidr cidr;
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && !take(text, '.')) return std::nullopt;
    const auto part = take_number(text, 255);
    if (!part) return std::nullopt;
    cidr.address = cidr.address << 8 | *part;
  }
  if (with_bits) {
    const auto bits = take(text, '/') ? take_number(text, 32) : std::nullopt;
    if (!bits) return std::nullopt;
    cidr.bits = *bits;
  }
  return text.empty() ? std::optional(cidr) : std::nullopt;
}

Error bad_network(std::string_view key, std::string_view value, std::string_view example) {
  const std::string path = std::string(kNetworkPath) + "." + std::string(key);
  return refuse(path,
                path + " is " + shown(value) + ", but must read like " + std::string(example));
}

Result<void> check_network(const json::value& network) {
  if (network.is_null()) return {};
  for (std::string_view key : {"subnetId", "serviceCidr", "dnsServiceIP", "dockerBridgeCidr"}) {
    if (text_of(network, key).empty())
      return refuse(std::string(kNetworkPath) + "." + std::string(key),
                    "Not all virtual network information is provided: " + std::string(key) +
                        " is missing. Give all of it or none");
  }
  const std::string service = text_of(network, "serviceCidr");
  const std::string dns = text_of(network, "dnsServiceIP");
  const std::string bridge = text_of(network, "dockerBridgeCidr");
  const auto cidr = parse_ipv4(service, true);
  if (!cidr) return bad_network("serviceCidr", service, "10.0.0.0/16");
  const auto address = parse_ipv4(dns, false);
  if (!address) return bad_network("dnsServiceIP", dns, "10.0.0.10");
  if (!parse_ipv4(bridge, true)) return bad_network("dockerBridgeCidr", bridge, "172.17.0.1/16");
  if ((address->address & cidr->mask()) != (cidr->address & cidr->mask()))
    return bad_network("dnsServiceIP", dns, "an address inside serviceCidr " + service);
  return {};
}

std::string amount(double cpu, double memory_gb) {
  return shown(cpu) + " CPU and " + shown(memory_gb) + " GB";
}

// Sums of tenths are not exact in binary; a thousandth of a core is no real lack.
double missing(double asked, double free) {
  constexpr double kTolerance = 1e-6;
  return asked > free + kTolerance ? asked - free : 0;
}

}  // namespace

void apply_defaults(ComputeTarget& target) {
  constexpr int kFastProdAgents = 3;
  if (target.purpose.empty()) target.purpose = kFastProd;
  if (target.vm_size.empty()) target.vm_size = kDefaultVmSize;
  if (target.agent_count == 0)
    target.agent_count = target.purpose == kDevTest ? 1 : kFastProdAgents;
  if (target.load_balancer_type.empty()) target.load_balancer_type = kPublicIp;
}

Result<void> validate(const ComputeTarget& target) {
  TRY_VOID(check_compute_name(target.name));
  TRY_VOID(check_length("properties.description", target.description, kMaxDescriptionBytes));
  TRY_VOID(check_tags("tags", target.tags));
  TRY_VOID(check_purpose(target));
  TRY_VOID(check_range({field("agentCount"), "agent_count"}, target.agent_count, {1, kMaxAgents}));
  TRY(const auto size, find_vm_size(target.vm_size));
  TRY_VOID(check_vcpus(target, size));
  TRY_VOID(check_load_balancer(target));
  return check_network(target.network);
}

Capacity capacity_of(const ComputeTarget& target) {
  const auto size = find_vm_size(target.vm_size);
  if (!size) return {};
  return {static_cast<double>(target.agent_count) * size->vcpus,
          target.agent_count * size->memory_gb, target.agent_count * size->gpus};
}

Result<void> check_fits(const Capacity& total, const Capacity& taken,
                        const ContainerResources& each, int replicas) {
  const double cpu = each.cpu * replicas;
  const double memory = each.memory_gb * replicas;
  const int gpus = each.gpu.value_or(0) * replicas;
  const Capacity free{std::max(0.0, total.cpu - taken.cpu),
                      std::max(0.0, total.memory_gb - taken.memory_gb),
                      std::max(0, total.gpus - taken.gpus)};
  const Capacity lack{missing(cpu, free.cpu), missing(memory, free.memory_gb),
                      std::max(0, gpus - free.gpus)};
  if (lack.cpu <= 0 && lack.memory_gb <= 0 && lack.gpus <= 0) return {};
  const auto gpu_text = [&](int count) {
    return gpus == 0 ? std::string() : " and " + number(count) + " GPU";
  };
  return fail(ErrorCode::invalid_argument,
              "The compute target lacks room for this service. Asked: " + number(replicas) +
                  " × (" + amount(each.cpu, each.memory_gb) + gpu_text(each.gpu.value_or(0)) +
                  ") = " + amount(cpu, memory) + gpu_text(gpus) +
                  "; free: " + amount(free.cpu, free.memory_gb) + gpu_text(free.gpus) + " of " +
                  amount(total.cpu, total.memory_gb) + gpu_text(total.gpus) +
                  "; missing: " + amount(lack.cpu, lack.memory_gb) + gpu_text(lack.gpus) +
                  ". Ask for less per replica or fewer replicas, delete other services on this "
                  "target, or use one with a larger agent_count or vm_size",
              "Unschedulable", "containerResourceRequirements");
}

}  // namespace slipway::resources
