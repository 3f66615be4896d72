#include "tree_base.h"

#include "ca/flat_ledger.h"
#include "ca/operations.h"
#include "certstore/certificate_folder.h"
#include "disk.h"
#include "fs/io.h"
#include "property.h"
#include "x509/request.h"

namespace lockstep::fuzz {

namespace {

constexpr const char* kDomain = "host.example";
constexpr UnixSeconds kNow = 1'772'366'400;

struct Material {
  ca::NewAuthority authority;
  std::vector<x509::Request> requests;
  std::vector<certstore::CertificateSet> sets;
};

x509::Name name(const char* text) { return must(x509::Name::parse_text(text), "a name can be made"); }

// A CA's key, requests, and certificates to install with their keys.
const Material& material() {
  static const Material made = [] {
    auto authority = ca::make_authority(name("CN=Root"), crypto::KeyAlgorithm::ecdsa_p256, 3650 * 86400, kNow);
    require(authority.has_value(), "a CA can be made");
    Material all{std::move(*authority), {}, {}};
    const auto ca_key = crypto::PrivateKey::from_pem(all.authority.files.key_pem.reveal(), "ca.key");
    for (ca::Serial serial = 2; serial < 5; ++serial) {
      const auto key = crypto::PrivateKey::generate(crypto::KeyAlgorithm::ecdsa_p256);
      require(ca_key && key, "a key can be made");
      const std::string der = must(x509::make_request(name("CN=host"), {}, *key), "a request can be made");
      all.requests.push_back(must(x509::parse_request(der, "made"), "a request that was made is read"));
      const auto plan = ca::plan_certificate({all.authority.certificate}, all.requests.back(), {}, serial, kNow);
      const auto certificate = plan ? x509::sign_certificate(plan->fields, *ca_key) : fail(plan.error());
      const auto leaf = x509::parse_certificate(must(certificate, "a certificate can be made"), "made");
      const std::string pem = x509::to_pem(must(leaf, "a certificate that was made is read"));
      const auto key_pem = key->to_pem();
      auto set = certstore::parse_set({.certificate_pem = pem,
                                       .certificate_name = "c",
                                       .key_pem = key_pem->reveal(),
                                       .key_name = "k",
                                       .chain_pem = {},
                                       .chain_name = {}});
      require(set.has_value(), "a set that was made is read");
      all.sets.push_back(std::move(*set));
    }
    return all;
  }();
  return made;
}

Status install(SimFileSystem& disk, std::size_t number) {
  Machine machine(disk, number + 1);
  machine.clock.advance(static_cast<std::int64_t>(number));
  const certstore::CertificateSet& set = material().sets[number];
  TRY(certstore::install(machine.runtime, "/srv", kDomain, set, certstore::metadata_of(set.leaf, "fuzz"),
                         {.combined = false, .nginx_conf = number > 0, .group = {}}));
  return {};
}

Status sign(SimFileSystem& disk, std::size_t count) {
  Machine machine(disk, count + 1);
  ca::FlatLedger ledger(machine.runtime, kAuthority, {});
  TRY(ca::sign_requests(ledger, {material().requests.begin(), material().requests.begin() + static_cast<int>(count)},
                        {}, kNow));
  return {};
}

Status revoke_and_publish(SimFileSystem& disk) {
  Machine machine(disk);
  ca::FlatLedger ledger(machine.runtime, kAuthority, {});
  {
    const std::unique_ptr<ca::LedgerWriter> writer = TRY(ledger.write());
    TRY(writer->revoke(2, {kNow, x509::RevocationReason::superseded}));
  }
  TRY(ca::publish_crl(ledger, 86400, kNow));
  return {};
}

class Collection {
 public:
  // The state as it is.
  void add(const std::string& name, Owner owner, const SimFileSystem& disk) {
    whole_.push_back({name, owner, disk.image()});
  }
  // The states between the calls of an operation, and the one after it.
  template <class Operation>
  void add_steps(const std::string& name, Owner owner, SimFileSystem& disk, Operation operation) {
    disk.set_hook([&](const testing::Operation& each) {
      if (each.mutates && each.kind != "fsync")
        partial_.push_back({name + " before " + each.kind + " " + each.path, owner, disk.image()});
      return testing::Verdict{};
    });
    const Status done = operation();
    disk.set_hook(nullptr);
    require(done.has_value(), "a store can be made", done ? "" : done.error().message);
    add("after " + name, owner, disk);
  }
  // The whole states first: their numbers are the same however many calls an operation takes.
  std::vector<Base> take() {
    whole_.insert(whole_.end(), partial_.begin(), partial_.end());
    return std::move(whole_);
  }

 private:
  std::vector<Base> whole_;
  std::vector<Base> partial_;
};

void make_surroundings(SimFileSystem& disk) {
  disk.make_directories("/srv/certs");
  require(install(disk, 0).has_value(), "a folder can be made");
  put_directory(disk, kOutside);
  copy(disk, std::string(kFolder) + "/.lockstep/gen-00000001", std::string(kOutside) + "/gen-00000001");
  copy(disk, kFolder, "/srv/certs/neighbour.example");
  put_file(disk, std::string(kOutside) + "/secret", "nobody's business");
  remove(disk, kFolder);
}

std::vector<Base> make_bases() {
  Collection all;
  SimFileSystem disk;
  make_surroundings(disk);
  const testing::SimImage surroundings = disk.image();
  put_directory(disk, kFolder);
  all.add("no store", Owner::folder, disk);
  remove(disk, kFolder);
  for (std::size_t number = 0; number < 3; ++number) {
    all.add_steps("import " + std::to_string(number + 1), Owner::folder, disk, [&] { return install(disk, number); });
  }
  all.add_steps("rollback", Owner::folder, disk, [&]() -> Status {
    Machine machine(disk);
    TRY(certstore::roll_back(machine.runtime, "/srv", kDomain, {}));
    return {};
  });
  all.add_steps("pending", Owner::folder, disk, [&]() -> Status {
    Machine machine(disk);
    auto writer = TRY(durable::StoreWriter::open(machine.runtime, kFolder, options_of(Owner::folder)));
    TRY(writer.draft_directory());
    durable::Change change;
    TRY(writer.stage_pending(change.put(certstore::kNginxFile, "# pending\n")));
    return {};
  });
  all.add_steps("promotion", Owner::folder, disk, [&]() -> Status {
    Machine machine(disk);
    auto writer = TRY(durable::StoreWriter::open(machine.runtime, kFolder, options_of(Owner::folder)));
    TRY(writer.promote_pending());
    return {};
  });

  SimFileSystem other(surroundings);
  all.add_steps("init", Owner::authority, other, [&]() -> Status {
    Machine machine(other);
    return ca::FlatLedger(machine.runtime, kAuthority, {}).initialize(material().authority.files);
  });
  all.add_steps("sign", Owner::authority, other, [&] { return sign(other, 2); });
  all.add_steps("revoke and publish", Owner::authority, other, [&] { return revoke_and_publish(other); });
  all.add_steps("sign another", Owner::authority, other, [&] { return sign(other, 1); });
  return all.take();
}

}  // namespace

durable::StoreOptions options_of(Owner owner) {
  return owner == Owner::folder ? certstore::folder_store_options({}) : ca::store_options();
}

Status run_command(SimFileSystem& disk, Owner owner) {
  return owner == Owner::folder ? install(disk, 2) : sign(disk, 1);
}

const std::vector<Base>& bases() {
  static const std::vector<Base> made = make_bases();
  return made;
}

}  // namespace lockstep::fuzz
