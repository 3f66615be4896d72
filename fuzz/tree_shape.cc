#include "tree_shape.h"

#include <array>
#include <limits>

#include "ca/flat_ledger.h"
#include "crypto/digest.h"
#include "disk.h"
#include "durable/manifest.h"
#include "fs/io.h"

namespace lockstep::fuzz {

namespace {

using namespace std::string_literals;
using durable::generation_name;

// Where things stand: what recovery looks for in each directory, what it could take for that, and what is nobody's.
const std::vector<std::string>& store_names(Owner owner) {
  static const std::vector<std::string> common = {".lockstep", "foreign", ".cert.pem.abcdef.tmp", ".x.lockstep-intent"};
  static const std::vector<std::string> folder = [] {
    std::vector<std::string> names = {"cert.pem",      "chain.pem",  "fullchain.pem", "privkey.pem",
                                      "metadata.json", "nginx.conf", "combined.pem"};
    names.insert(names.end(), common.begin(), common.end());
    return names;
  }();
  static const std::vector<std::string> authority = [] {
    std::vector<std::string> names = {"index.json", "ca.key", "ca.crt", "serial", "crlnumber", "ca.crl", "certs"};
    names.insert(names.end(), common.begin(), common.end());
    return names;
  }();
  return owner == Owner::folder ? folder : authority;
}

const std::vector<std::string>& generation_names(Owner owner) {
  static const auto with_manifest = [](std::vector<std::string> names) {
    for (const char* more : {"manifest.json", "manifest.json", "sub", ".x.abcdef.tmp"}) names.emplace_back(more);
    return names;
  };
  static const std::vector<std::string> folder = with_manifest(
      {"cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "metadata.json", "nginx.conf", "stranger"});
  static const std::vector<std::string> authority =
      with_manifest({"index.json", "ca.key", "ca.crt", "serial", "crlnumber", "ca.crl", "stranger"});
  return owner == Owner::folder ? folder : authority;
}

constexpr std::size_t kGenerations = 6;

const std::vector<std::string>& control_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = {"current",
                                    "current",
                                    "pending",
                                    "history",
                                    "lock",
                                    "draft",
                                    ".current.abcdef.tmp",
                                    ".gen-00000003.abcdef.tmp",
                                    ".history.abcdef.tmp",
                                    "stray",
                                    "gen-7",
                                    "gen-000000009",
                                    "gen-00000042",
                                    generation_name(durable::kLargestGeneration),
                                    "gen-1000000000000"};
    for (std::size_t n = 1; n <= kGenerations; ++n) all.push_back(generation_name(n));
    return all;
  }();
  return names;
}

const std::vector<std::string>& link_targets() {
  static const std::vector<std::string> targets = {generation_name(1),
                                                   generation_name(2),
                                                   generation_name(3),
                                                   generation_name(4),
                                                   generation_name(42),
                                                   generation_name(durable::kLargestGeneration),
                                                   "gen-1",
                                                   "gen-00000001/",
                                                   "./gen-00000001",
                                                   "gen-00000002/../gen-00000001",
                                                   "..",
                                                   ".",
                                                   "current",
                                                   "pending",
                                                   ".lockstep/current/cert.pem",
                                                   ".lockstep/current/index.json",
                                                   "../../../../../outside/gen-00000001",
                                                   "../../../outside/gen-00000001",
                                                   "/outside/gen-00000001",
                                                   "/outside/secret",
                                                   "/outside",
                                                   "/",
                                                   "/srv/certs/neighbour.example",
                                                   "/srv/certs/neighbour.example/.lockstep",
                                                   "privkey.pem",
                                                   "nothing",
                                                   "gen-00000001\n"s,
                                                   "a\0b"s,
                                                   std::string(300, 'x')};
  return targets;
}

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr std::array<std::uint64_t, 14> kNumbers = {0,
                                                    1,
                                                    2,
                                                    3,
                                                    4,
                                                    5,
                                                    6,
                                                    42,
                                                    durable::kLargestGeneration - 1,
                                                    durable::kLargestGeneration,
                                                    durable::kLargestGeneration + 1,
                                                    ca::kLargestSerial,
                                                    kMost - 1,
                                                    kMost};
constexpr std::array<std::size_t, 8> kSizes = {0, 1, 511, 512, 65536, 256U * 1024U, 256U * 1024U + 1, (1U << 20U) + 1};

class Shaping {
 public:
  Shaping(Input& input, Shape& shape) : input_(input), shape_(shape), disk_(shape.base->image) {}

  void run() {
    constexpr int kMostChanges = 24;
    for (int i = 0; i < kMostChanges && !input_.at_end(); ++i) {
      const std::uint8_t code = input_.byte();
      if (code == 0) break;
      change(code % 17);
    }
    shape_.image = disk_.image();
  }

 private:
  void say(const std::string& what) { shape_.story += what + "\n"; }

  std::string slot() {
    const std::string& store = shape_.store();
    const std::string control = store + "/.lockstep";
    switch (input_.pick(6)) {
      case 0: return store + "/" + input_.of(std::span(store_names(shape_.owner())));
      case 1:
      case 2: return control + "/" + input_.of(std::span(control_names()));
      case 3: return control + "/draft/" + (input_.byte() % 2 == 0 ? "issuing" : ".issuing.abcdef.tmp");
      case 4:
        if (shape_.owner() == Owner::authority) {
          const std::uint64_t number = input_.of(std::span<const std::uint64_t>(kNumbers));
          return store + "/certs/" + ca::serial_to_hex(number) + ".pem";
        }
        [[fallthrough]];
      default: return generation_slot();
    }
  }

  std::string generation_path() {
    return shape_.store() + "/.lockstep/" + generation_name(1 + input_.pick(kGenerations));
  }
  std::string generation_slot() {
    const std::string generation = generation_path();
    return generation + "/" + input_.of(std::span(generation_names(shape_.owner())));
  }

  std::string content() {
    switch (input_.pick(5)) {
      case 0: return std::string(input_.bytes());
      case 1: return std::string(input_.of(std::span<const std::size_t>(kSizes)), '\0');
      case 2: return ca::serial_to_hex(input_.of(std::span<const std::uint64_t>(kNumbers))) + "\n";
      case 3: return disk_.read_file(slot()).value_or("");
      default: return durable::encode_history(history());
    }
  }

  durable::History history() {
    durable::History record;
    const std::uint8_t mask = input_.byte();
    for (durable::Generation n = 1; n <= 8; ++n) {
      if ((mask >> (n - 1) & 1U) != 0) record.kept.push_back(n);
    }
    record.highest = input_.of(std::span<const std::uint64_t>(kNumbers));
    return record;
  }

  void change(int code) {
    switch (code) {
      case 1: return on("removed", [&](const std::string& at) { remove(disk_, at); });
      case 2:
        return on("a link", [&](const std::string& at) { put_link(disk_, at, input_.of(std::span(link_targets()))); });
      case 3: return on("a fifo", [&](const std::string& at) { put_fifo(disk_, at); });
      case 4: return on("a directory", [&](const std::string& at) { put_directory(disk_, at); });
      case 5: return on("a file", [&](const std::string& at) { put_file(disk_, at, content()); });
      case 6: return edit("cut", [&](std::string& text) { text.resize(text.size() * input_.byte() / 256); });
      case 7: return edit("a bit flipped", [&](std::string& text) { flip(text); });
      case 8: return edit("longer", [&](std::string& text) { text += content(); });
      case 9: return on("moved", [&](const std::string& at) { to(at, move); });
      case 10: return on("linked", [&](const std::string& at) { to(at, link); });
      case 11: return on("copied", [&](const std::string& at) { to(at, copy); });
      case 12: return copy_generation();
      case 13: return edit_manifest();
      case 14: return seal();
      case 15: return mount();
      case 16: return retarget();
      default: return edit("retyped", [&](std::string& text) { text = content(); });
    }
  }

  template <class Act>
  void on(const char* what, Act act) {
    const std::string at = slot();
    say(at + ": " + what);
    act(at);
  }

  template <class Act>
  void to(const std::string& from, Act act) {
    const std::string target = slot();
    say("  to " + target);
    act(disk_, from, target);
  }

  // A file keeps its inode: what is hard-linked changes as one.
  template <class Edit>
  void edit(const char* what, Edit change) {
    const std::string at = slot();
    say(at + ": " + what);
    const auto stat = disk_.stat_path(at);
    auto text = disk_.read_file(at);
    if (!stat || stat->type != fs::FileType::regular || !text) return;
    change(*text);
    disk_.write_file(at, *text, stat->mode);
  }

  void flip(std::string& text) {
    if (text.empty()) return;
    const std::size_t at = input_.word() % text.size();
    text[at] = static_cast<char>(text[at] ^ (1 << input_.pick(8)));
  }

  // Over one of the stable names, as containers do it.
  void mount() {
    const std::string at = shape_.store() + "/" + input_.of(std::span(store_names(shape_.owner())));
    say(at + ": a mount point");
    put_file(disk_, at, content());
    if (disk_.stat_path(at)) disk_.set_mount_point(at);
  }

  // One of the pointers, as a commit would set it.
  void retarget() {
    const std::string at = shape_.store() + "/.lockstep/" + (input_.byte() % 2 == 0 ? "current" : "pending");
    const std::string target = generation_name(1 + input_.pick(kGenerations));
    say(at + ": leads to " + target);
    put_link(disk_, at, target);
  }

  // A whole generation under another number.
  void copy_generation() {
    const std::string from = generation_path();
    const durable::Generation number = 1 + input_.pick(kGenerations);
    const std::string target = shape_.store() + "/.lockstep/" + generation_name(number);
    say(from + ": copied as " + generation_name(number));
    copy(disk_, from, target);
    with_manifest(target, [&](durable::Manifest& manifest) {
      manifest.generation = number;
      manifest.parent = std::min(manifest.parent, number - 1);
      manifest.highest = std::max(manifest.highest, number);
    });
  }

  // A field of a manifest: well-formed, and perhaps not true.
  void edit_manifest() {
    const std::string at = generation_path();
    with_manifest(at, [&](durable::Manifest& manifest) {
      const std::size_t field = input_.pick(9);
      const std::uint64_t number = input_.of(std::span<const std::uint64_t>(kNumbers));
      say(at + ": field " + std::to_string(field) + " of the manifest becomes " + std::to_string(number));
      switch (field) {
        case 0: manifest.generation = number; break;
        case 1: manifest.parent = number; break;
        case 2: manifest.highest = number; break;
        case 3: manifest.history = history().kept; break;
        case 4: manifest.kind = number == 0 ? "" : number == 1 ? "ca" : "certificate"; break;
        case 5: edit_member(manifest, [&](auto& member) { member.size = number; }); break;
        case 6: edit_member(manifest, [&](auto& member) { member.mode = static_cast<std::uint32_t>(number); }); break;
        case 7: manifest.members.clear(); break;
        default:
          edit_member(manifest,
                      [&](auto& member) { member.name = input_.of(std::span(generation_names(shape_.owner()))); });
      }
    });
  }

  template <class Edit>
  void edit_member(durable::Manifest& manifest, Edit edit) {
    if (!manifest.members.empty()) edit(manifest.members[input_.pick(manifest.members.size())]);
  }

  // The manifest is made to say what the members are now.
  void seal() {
    const std::string at = generation_path();
    say(at + ": its manifest is made true");
    with_manifest(at, [&](durable::Manifest& manifest) {
      for (durable::ManifestMember& member : manifest.members) {
        const auto text = disk_.read_file(at + "/" + member.name);
        if (!text) continue;
        member.size = text->size();
        member.sha256 = crypto::sha256_hex(*text);
      }
    });
  }

  template <class Edit>
  void with_manifest(const std::string& generation, Edit edit) {
    const std::string at = generation + "/" + durable::kManifestFile;
    const auto text = disk_.read_file(at);
    auto manifest = text ? durable::parse_manifest(*text, at) : fail(ErrorCode::not_found, "no manifest");
    if (!manifest) return;
    edit(*manifest);
    disk_.write_file(at, durable::encode_manifest(*manifest));
  }

  Input& input_;
  Shape& shape_;
  SimFileSystem disk_;
};

}  // namespace

Shape make_shape(Input& input) {
  Shape shape;
  shape.base = &bases()[input.word() % bases().size()];
  shape.story = "base: " + shape.base->name + "\n";
  Shaping(input, shape).run();
  return shape;
}

}  // namespace lockstep::fuzz
