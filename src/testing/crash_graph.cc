#include "testing/crash_graph.h"

#include <utility>

namespace lockstep::testing {

namespace {

constexpr std::size_t kMostViolations = 20;
constexpr std::size_t kLongestView = 600;

// For messages: bounded, and with the zeros of lost data made visible.
std::string shortened(const std::string& text) {
  std::string out;
  for (const char byte : text.substr(0, kLongestView)) {
    if (byte == '\0')
      out += "\\0";
    else
      out += byte;
  }
  return text.size() <= kLongestView ? out : out + "…";
}

const char* view_name(unsigned view) {
  switch (view) {
    case allow_old: return "old";
    case allow_new: return "new";
    case allow_either: return "old (which is also new)";
    default: return "neither old nor new";
  }
}

}  // namespace

std::string describe(const Operation& operation) {
  return operation.kind + " of '" + operation.path + "' (operation " + std::to_string(operation.index) + ")";
}

CrashGraph::CrashGraph(const CrashScenario& scenario, const ExplorerOptions& options, ExplorerReport& report)
    : scenario_(scenario), options_(options), report_(report), enumerator_(options.limits) {}

void CrashGraph::set_views(std::string old_view, std::string new_view) {
  old_view_ = std::move(old_view);
  new_view_ = std::move(new_view);
}

void CrashGraph::violation(const std::string& text) {
  ++report_.violation_count;
  if (report_.violations.size() < kMostViolations) report_.violations.push_back(scenario_.name + ": " + text);
}

bool CrashGraph::should_stop() const { return options_.stop_at_first && report_.violation_count > 0; }

std::string CrashGraph::recovered_view(SimFileSystem& disk, const std::string& origin) {
  std::string why;
  if (!scenario_.recover(disk, &why)) {
    violation(origin + ": recovery failed: " + why);
    return {};
  }
  return scenario_.view(disk);
}

bool CrashGraph::enter(SimImage image, int depth, const std::string& origin) {
  const auto [place, is_new] = nodes_.try_emplace(image.hash);
  if (!is_new) return false;
  place->second.origin = origin + ", " + image.choice;
  waiting_.push_back({std::move(image), depth});
  return true;
}

void CrashGraph::crash_here(const SimFileSystem& disk, Allowed allowed, const std::string& origin) {
  if (should_stop()) return;
  for (SimImage& image : enumerator_.images(disk.state())) {
    const Hash hash = image.hash;
    if (known_roots_.emplace(hash, allowed).second) roots_.push_back({hash, allowed, origin + ", " + image.choice});
    if (enter(std::move(image), 0, origin)) ++report_.crash_states;
  }
  report_.exhaustive = report_.exhaustive && enumerator_.was_exhaustive();
  expand_waiting();
}

void CrashGraph::expand_waiting() {
  while (!waiting_.empty() && !should_stop()) {
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    expand(next);
  }
}

void CrashGraph::expand(const Waiting& waiting) {
  Node& node = nodes_.at(waiting.image.hash);  // a map's nodes stay in place
  SimFileSystem disk(waiting.image);
  std::uint64_t changes_seen = disk.changes();
  const auto crash_again = [&](const std::string& when, std::set<Hash>& next) {
    if (waiting.depth >= options_.recovery_depth) return;
    for (SimImage& image : enumerator_.images(disk.state())) {
      next.insert(image.hash);
      if (enter(std::move(image), waiting.depth + 1, node.origin + "; then a crash of the recovery " + when)) {
        ++report_.recovery_states;
      }
    }
    report_.exhaustive = report_.exhaustive && enumerator_.was_exhaustive();
  };
  disk.set_hook([&](const Operation& operation) {
    if (disk.changes() != changes_seen) {
      changes_seen = disk.changes();
      crash_again("before " + describe(operation), node.next);
    }
    return Verdict{};
  });
  std::string why;
  const bool recovered = scenario_.recover(disk, &why);
  disk.set_hook(nullptr);
  if (!recovered) return violation(node.origin + ": recovery failed: " + why);
  crash_again("at its end", node.next_after);

  const std::string view = scenario_.view(disk);
  node.view = (view == old_view_ ? allow_old : 0U) | (view == new_view_ ? allow_new : 0U);
  if (node.view == 0) violation(node.origin + ": neither old nor new: " + shortened(view));
  for (const auto& check : scenario_.checks) {
    const std::string wrong = check(disk);
    if (!wrong.empty()) violation(node.origin + ": " + wrong);
  }
  const Tree before = disk.dump();
  if (!scenario_.recover(disk, &why)) return violation(node.origin + ": the second recovery failed: " + why);
  const std::string difference = describe_difference(before, disk.dump());
  if (!difference.empty()) violation(node.origin + ": the second recovery still changed something: " + difference);
}

// Sets Node::reachable; recovery can lead back to a state seen before, so until nothing changes any more.
void CrashGraph::propagate() {
  for (auto& [hash, node] : nodes_) node.reachable = 1U << node.view;
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& [hash, node] : nodes_) {
      unsigned reachable = node.reachable;
      for (const Hash next : node.next) reachable |= nodes_.at(next).reachable;
      for (const Hash next : node.next_after) reachable |= nodes_.at(next).reachable;
      changed = changed || reachable != node.reachable;
      node.reachable = reachable;
    }
  }
}

void CrashGraph::finish() {
  if (should_stop()) return;  // states may be waiting still
  propagate();
  for (const Root& root : roots_) {
    for (unsigned view = 1; view <= allow_either; ++view) {  // 0 is reported where it was met
      const Node& node = nodes_.at(root.hash);
      if ((node.reachable >> view & 1U) == 0 || (view & root.allowed) != 0) continue;
      violation(root.origin + ": shows " + view_name(view) + (node.view == view ? "" : " after a further crash") +
                ", but only " + view_name(root.allowed) + " is right");
    }
  }
  if (!options_.recovery_makes_durable) return;
  for (const auto& [hash, node] : nodes_) {
    for (const Hash next : node.next_after) {
      if (node.view == 0 || nodes_.at(next).view == node.view) continue;
      violation(node.origin + ": recovery showed " + view_name(node.view) + ", and a crash after it shows " +
                view_name(nodes_.at(next).view));
    }
  }
}

}  // namespace lockstep::testing
