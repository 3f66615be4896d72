#include "tree_rules.h"

#include "ca/flat_ledger.h"
#include "durable/temporary.h"

namespace lockstep::fuzz {

namespace {

using durable::Generation;
using testing::TreeEntry;

bool is_stable_link(const TreeEntry* entry, const std::string& name) {
  return entry != nullptr && entry->type == fs::FileType::symlink && entry->content == durable::stable_target(name);
}

class Rules {
 public:
  Rules(const StoreView& before, const StoreView& after, const std::string& store, const Allowance& allowance)
      : before_(before), after_(after), store_(store), allowance_(allowance), referenced_(before.referenced()) {
    const auto live = before.pointer(durable::kCurrentPointer);
    lost_ =
        (!live || before.manifest(*live) == nullptr) &&
        (before.has(durable::kHistoryFile) || before.has(durable::kCurrentPointer) || before.generations().size() > 1);
  }

  std::string first_forbidden() {
    for (const auto& [path, entry] : before_.tree()) {
      const TreeEntry* now = after_.at(path);
      if (now == nullptr || *now != entry) {
        if (is_excused(path, &entry, now)) continue;
        if (std::string why = judge(path, &entry, now); !why.empty()) return path + ": " + why;
      }
    }
    for (const auto& [path, entry] : after_.tree()) {
      if (before_.at(path) != nullptr || is_excused(path, nullptr, &entry)) continue;
      if (std::string why = judge(path, nullptr, &entry); !why.empty()) return path + ": " + why;
    }
    return {};
  }

 private:
  std::string judge(const std::string& path, const TreeEntry* was, const TreeEntry* is) {
    if (!is_at_or_below(path, store_)) return "outside of the store";
    const std::string control = before_.control();
    if (path == control) return was == nullptr || is == nullptr ? "" : "the control directory is another";
    if (is_at_or_below(path, control)) return judge_in_control(path.substr(control.size() + 1), was, is);
    if (path == store_) return was == nullptr && allowance_.commits ? "" : "the store's own directory";
    return judge_beside(path.substr(store_.size() + 1), was, is);
  }

  // What a repair moves is under another name, whole; what it closes to others is otherwise the same.
  bool is_excused(const std::string& path, const TreeEntry* was, const TreeEntry* is) {
    if (!allowance_.repairs) return false;
    const std::string aside = before_.control() + "/set-aside-";
    if (was == nullptr) return path.starts_with(aside);
    if (is != nullptr && was->type == is->type && was->content == is->content)
      return (is->attributes.mode & ~was->attributes.mode) == 0;
    std::string name = path.substr(std::min(path.size(), store_.size() + 1));
    if (is_at_or_below(path, before_.control()))
      name = path.substr(std::min(path.size(), before_.control().size() + 1));
    if (name.starts_with("certs/")) name.erase(0, 6);
    for (auto entry = after_.tree().lower_bound(aside); entry != after_.tree().end(); ++entry) {
      if (!entry->first.starts_with(aside)) break;
      const bool same_name = !name.empty() && entry->first.substr(aside.size()).ends_with("-" + name);
      if (same_name && entry->second.type == was->type && entry->second.content == was->content) return true;
    }
    return false;
  }

  // The stable names, and everything that people put beside them.
  std::string judge_beside(const std::string& name, const TreeEntry* was, const TreeEntry* is) {
    if (name.find('/') != std::string::npos) return judge_certificate(name, was, is);
    const auto live = after_.pointer(durable::kCurrentPointer);
    if (is == nullptr) return is_stable_link(was, name) ? "" : "not a link of ours, and gone";
    if (!is_stable_link(is, name)) return "not a link of ours, and new or another";
    if (!live || after_.manifest(*live) == nullptr || after_.manifest(*live)->find(name) == nullptr) {
      return "a link to a member that the live generation does not have";
    }
    if (was == nullptr) return "";
    // A copy of what is committed is no loss: an adoption that was cut off leaves one.
    const auto before = before_.pointer(durable::kCurrentPointer);
    const bool copy =
        after_.member(*live, name) == was->content || (before && before_.member(*before, name) == was->content);
    return was->type == fs::FileType::regular && copy ? "" : "a file that somebody put there is lost";
  }

  // Certificates whose serials were never given out go.
  std::string judge_certificate(const std::string& name, const TreeEntry* was, const TreeEntry* is) {
    const auto live = before_.pointer(durable::kCurrentPointer);
    const auto counter = live ? before_.member(*live, ca::kSerialFile) : std::nullopt;
    const auto next = counter ? ca::parse_counter(*counter, ca::kSerialFile) : fail(ErrorCode::not_found, "");
    const bool named = name.starts_with("certs/") && name.ends_with(".pem");
    const auto serial =
        named ? ca::parse_serial(name.substr(6, name.size() - 10)) : Result<ca::Serial>(fail(ErrorCode::not_found, ""));
    if (allowance_.owner != Owner::authority || !next || !serial || *serial < *next) return "not one of ours";
    if (is != nullptr) return allowance_.commits && is->type == fs::FileType::regular ? "" : "not one that was issued";
    return was->type == fs::FileType::directory ? "a directory" : "";
  }

  std::string judge_in_control(const std::string& rest, const TreeEntry* was, const TreeEntry* is) {
    const std::string top = rest.substr(0, rest.find('/'));
    // With a first commit that was cut off, the whole store goes.
    if (rest == durable::kLockFile && after_.at(before_.control()) == nullptr) return "";
    if (top == durable::kLockFile) return was == nullptr && is != nullptr && is->content.empty() ? "" : "the lock";
    if (rest == durable::kCurrentPointer) return allowance_.commits ? "" : "the pointer moved without a commit";
    if (rest == durable::kHistoryFile) {
      // Written and taken back, it has the mode that we give it.
      const bool taken_back = was != nullptr && is != nullptr && was->type == is->type && was->content == is->content;
      return allowance_.commits || taken_back ? "" : "the record changed without a commit";
    }
    if (rest == durable::kPendingPointer) return judge_pending(was, is);
    if (top == durable::kDraftDirectory) {
      return allowance_.owner == Owner::authority && rest == "draft/issuing" && is == nullptr ? "" : "a draft";
    }
    if (durable::temporary_owner(top)) {
      return is == nullptr || !allowance_.succeeded ? "" : "a temporary is left behind";
    }
    const auto generation = durable::parse_generation_name(top);
    return generation ? judge_generation(*generation, was) : "nothing that a store has";
  }

  std::string judge_pending(const TreeEntry* was, const TreeEntry* is) {
    if (is != nullptr) return "the pending pointer is another";
    const auto named = before_.pointer(durable::kPendingPointer);
    const bool promoted = named && (named == before_.pointer(durable::kCurrentPointer) ||
                                    named == after_.pointer(durable::kCurrentPointer));
    // What it named was removed; that its own removal was not durable is nothing to keep.
    const bool dangles = named && !before_.has(durable::generation_name(*named));
    return was->type == fs::FileType::symlink && (promoted || dangles) ? "" : "the pending generation is forgotten";
  }

  std::string judge_generation(Generation generation, const TreeEntry* was) {
    const std::string name = durable::generation_name(generation);
    if (!before_.has(name)) {
      if (was != nullptr) return "in a generation that was not there";
      return allowance_.commits && generation > before_.highest() ? "" : "a generation under a number that was given";
    }
    const bool named = generation == before_.pointer(durable::kCurrentPointer) ||
                       generation == before_.pointer(durable::kPendingPointer);
    if (named || (referenced_.contains(generation) && !allowance_.collects))
      return "a generation that is named or kept";
    if (lost_) return "a generation, though it is not known which ones are needed";
    return after_.has(name) && allowance_.succeeded ? "a part of a generation" : "";
  }

  const StoreView& before_;
  const StoreView& after_;
  const std::string& store_;
  const Allowance& allowance_;
  std::set<Generation> referenced_;
  bool lost_ = false;
};

}  // namespace

std::string forbidden_change(const StoreView& before, const StoreView& after, const std::string& store,
                             const Allowance& allowance) {
  return Rules(before, after, store, allowance).first_forbidden();
}

}  // namespace lockstep::fuzz
