// Certificate folders on the simulated file system: install, roll back, adopt, repair.
#include "certstore/certificate_folder.h"

#include <cerrno>

#include "certstore/set_fixture.h"
#include "testing/manual_clock.h"
#include "testing/sim_file_system.h"

namespace lockstep::certstore {
namespace {

using lockstep::testing::describe_difference;
using lockstep::testing::Operation;
using lockstep::testing::SimFileSystem;
using lockstep::testing::Tree;
using lockstep::testing::Verdict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Folder : ::testing::Test {
  void SetUp() override { disk.make_directories("/srv"); }
  Result<InstallResult> put(std::size_t number, const FolderOptions& options = {},
                            const std::string& domain = "host.example") {
    const CertificateSet set = test_set(number);
    return install(runtime, "/srv", domain, set, metadata_of(set.leaf, "test"), options);
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    return disk.read_file(path + "/" + name).value_or("none");
  }
  [[nodiscard]] std::uint32_t mode(const std::string& name) const {
    return disk.dump().at(*real(path + "/" + name)).attributes.mode & 07777U;
  }
  [[nodiscard]] Result<std::string> real(const std::string& name) const {
    return const_cast<SimFileSystem&>(disk).real_path(name);
  }
  void overwrite(const std::string& name, const std::string& text) {
    disk.write_file(*real(path + "/" + name), text, mode(name));
  }
  Result<durable::Generation> back(std::optional<durable::Generation> to = {}) {
    return roll_back(runtime, "/srv", "host.example", to);
  }
  std::vector<std::string> wrong() {
    const auto snapshot = durable::Snapshot::open(disk, path);
    EXPECT_TRUE(snapshot);
    return texts(check_members(*snapshot).value());
  }
  static std::vector<std::string> texts(const std::vector<FolderProblem>& problems) {
    std::vector<std::string> found;
    for (const FolderProblem& problem : problems) found.push_back(problem.what);
    return found;
  }

  const std::string path = "/srv/certs/host.example";
  SimFileSystem disk;
  lockstep::testing::ManualClock clock;
  lockstep::testing::SeededRandom random;
  durable::Runtime runtime{disk, clock, random, std::chrono::milliseconds(50)};
};

TEST_F(Folder, HoldsWhatWebServersRead) {
  const auto installed = put(0);
  ASSERT_TRUE(installed) << installed.error().message;
  EXPECT_EQ(installed->generation, 1U);
  EXPECT_EQ(content("cert.pem"), test_pair().certificate);
  EXPECT_EQ(content("chain.pem"), intermediate_pem());
  EXPECT_EQ(content("fullchain.pem"), test_pair().certificate + intermediate_pem());
  EXPECT_EQ(content("privkey.pem"), test_pair().key);
  EXPECT_EQ(mode("privkey.pem"), 0600U);
  EXPECT_EQ(mode("cert.pem"), 0644U);
  EXPECT_EQ(content("combined.pem"), "none");
  EXPECT_EQ(content("nginx.conf"), "none");
  EXPECT_THAT(wrong(), IsEmpty());
  const auto loaded = load(runtime, "/srv", "host.example");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->leaf.serial, "0a");
  EXPECT_EQ(loaded->chain_length, 1U);
  EXPECT_EQ(loaded->metadata.renewed_by, "test");
  EXPECT_EQ(loaded->path, path);
}

TEST_F(Folder, LoadsTheGenerationThatWasMadeThoughAnotherIsLive) {
  ASSERT_TRUE(put(0));
  ASSERT_TRUE(put(1));
  const auto older = load(runtime, "/srv", "host.example", durable::Generation{1});
  ASSERT_TRUE(older) << older.error().message;
  EXPECT_EQ(older->leaf.serial, "0a");
  EXPECT_EQ(older->generation, 1U);
  EXPECT_FALSE(load(runtime, "/srv", "host.example", durable::Generation{3}));
}

TEST_F(Folder, TheSameSetAgainChangesNothing) {
  ASSERT_TRUE(put(0));
  const Tree before = disk.dump();
  const auto again = put(0);
  EXPECT_TRUE(again->unchanged);
  EXPECT_EQ(again->generation, 1U);
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
  EXPECT_FALSE(put(0, {.combined = true})->unchanged);
  EXPECT_TRUE(put(0)->unchanged);
}

TEST_F(Folder, MembersOnceAskedForStayUpToDate) {
  ASSERT_TRUE(put(0, {.combined = true, .nginx_conf = true}));
  ASSERT_TRUE(put(1));
  EXPECT_EQ(content("combined.pem"), test_pair(1).key + test_pair(1).certificate + intermediate_pem());
  EXPECT_EQ(mode("combined.pem"), 0600U);
  const std::string generation = path + "/.lockstep/gen-00000002";
  EXPECT_THAT(content("nginx.conf"), HasSubstr("ssl_certificate \"" + generation + "/fullchain.pem\";"));
  EXPECT_THAT(content("nginx.conf"), HasSubstr("ssl_certificate_key \"" + generation + "/privkey.pem\";"));
}

TEST_F(Folder, AGroupMayReadKeyAndFolder) {
  ASSERT_TRUE(put(0, {.combined = true, .group = 77}));
  EXPECT_EQ(mode("privkey.pem"), 0640U);
  EXPECT_EQ(mode("combined.pem"), 0640U);
  EXPECT_EQ(disk.dump().at(path).attributes.mode & 07777U, 0750U);
  EXPECT_EQ(disk.dump().at(*real(path + "/privkey.pem")).attributes.gid, 77U);
}

TEST_F(Folder, RollsBackAndForth) {
  EXPECT_EQ(back().error().code, ErrorCode::not_found);
  ASSERT_TRUE(put(0));
  EXPECT_EQ(back().error().code, ErrorCode::not_found);
  ASSERT_TRUE(put(1));
  EXPECT_EQ(back().value(), 1U);
  EXPECT_EQ(content("privkey.pem"), test_pair(0).key);
  EXPECT_EQ(content("cert.pem"), test_pair(0).certificate);
  EXPECT_EQ(back(2).value(), 2U);
  EXPECT_EQ(content("privkey.pem"), test_pair(1).key);
  const Tree before = disk.dump();
  EXPECT_EQ(back(9).error().code, ErrorCode::not_found);
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_F(Folder, ListsFoldersAndNothingElse) {
  EXPECT_THAT(list_domains(disk, "/srv").value(), IsEmpty());
  ASSERT_TRUE(put(0));
  ASSERT_TRUE(put(0, {}, "*.example"));
  disk.make_directories("/srv/certs/empty.example");
  disk.make_directories("/srv/certs/Not A Name");
  disk.write_file("/srv/certs/file.example", "");
  EXPECT_THAT(list_domains(disk, "/srv").value(), ElementsAre("*.example", "host.example"));
  EXPECT_EQ(load(runtime, "/srv", "empty.example").error().code, ErrorCode::not_found);
}

TEST_F(Folder, ContentsThatDoNotBelongTogetherAreNamed) {
  ASSERT_TRUE(put(0));
  FolderContents good{content("cert.pem"), content("chain.pem"), content("fullchain.pem"), content("privkey.pem"),
                      content("metadata.json")};
  EXPECT_THAT(texts(check_contents(good)), IsEmpty());
  FolderContents bad = good;
  bad.key = test_pair(1).key;
  EXPECT_THAT(texts(check_contents(bad)), ElementsAre("the private key does not belong to the certificate"));
  bad = good;
  bad.full_chain = bad.certificate;
  EXPECT_THAT(texts(check_contents(bad)), ElementsAre("fullchain.pem is not cert.pem followed by chain.pem"));
  bad = good;
  bad.chain = x509::to_pem(test_root().certificate);
  bad.full_chain = bad.certificate + bad.chain;
  EXPECT_THAT(texts(check_contents(bad)), ElementsAre(HasSubstr("in the chain")));
  bad = good;
  bad.metadata = "{}";
  EXPECT_THAT(texts(check_contents(bad)), ElementsAre("'metadata.json' is not valid metadata"));
  bad = good;
  bad.metadata = encode_metadata(metadata_of(test_set(1).leaf, "x"));
  EXPECT_THAT(texts(check_contents(bad)), ElementsAre(HasSubstr("metadata.json is about another certificate")));
  bad = good;
  bad.certificate = "junk";
  EXPECT_THAT(texts(check_contents(bad)), ElementsAre("cert.pem holds no certificate in PEM"));
}

TEST_F(Folder, AnEditIsRefusedAndTakenOverOnlyWhole) {
  ASSERT_TRUE(put(0, {.combined = true, .nginx_conf = true}));
  overwrite("privkey.pem", test_pair(1).key);
  EXPECT_EQ(put(1).error().code, ErrorCode::edited_by_hand);
  const Tree before = disk.dump();
  const auto refused = adopt(runtime, path);
  EXPECT_EQ(refused.error().code, ErrorCode::edited_by_hand);
  EXPECT_THAT(refused.error().message, HasSubstr("the private key does not belong to the certificate"));
  EXPECT_EQ(describe_difference(before, disk.dump()), "");

  overwrite("cert.pem", test_pair(1).certificate);
  overwrite("fullchain.pem", test_pair(1).certificate + intermediate_pem());
  overwrite("metadata.json", encode_metadata(metadata_of(test_set(1).leaf, "a person")));
  const auto adopted = adopt(runtime, path);
  ASSERT_TRUE(adopted) << adopted.error().message;
  EXPECT_EQ(*adopted, 2U);
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(mode("privkey.pem"), 0600U);
  EXPECT_EQ(content("combined.pem"), test_pair(1).key + test_pair(1).certificate + intermediate_pem());
  EXPECT_THAT(content("nginx.conf"), HasSubstr("gen-00000002"));
  EXPECT_TRUE(put(1)->unchanged);
}

TEST_F(Folder, AFileThatReplacedALinkBecomesALinkAgain) {
  ASSERT_TRUE(put(0));
  const std::string text = encode_metadata(metadata_of(test_set(0).leaf, "a person"));
  ASSERT_TRUE(disk.open_directory(path).value()->remove_file("metadata.json"));
  disk.write_file(path + "/metadata.json", text);
  EXPECT_EQ(put(1).error().code, ErrorCode::edited_by_hand);
  ASSERT_TRUE(adopt(runtime, path));
  EXPECT_EQ(disk.dump().at(path + "/metadata.json").type, fs::FileType::symlink);
  EXPECT_EQ(load(runtime, "/srv", "host.example")->metadata.renewed_by, "a person");
}

TEST_F(Folder, AnEditOfWhatIsMadeOfTheOthersIsNeitherTakenOverNorLost) {
  ASSERT_TRUE(put(0, {.combined = true, .nginx_conf = true}));
  for (const char* name : {"nginx.conf", "combined.pem"}) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(disk.open_directory(path).value()->remove_file(name));
    disk.write_file(path + "/" + name, "edited");
    const Tree before = disk.dump();
    EXPECT_EQ(adopt(runtime, path).error().code, ErrorCode::edited_by_hand);
    EXPECT_EQ(describe_difference(before, disk.dump()), "");
    // As the error says: removed, it is made again.
    ASSERT_TRUE(disk.open_directory(path).value()->remove_file(name));
    EXPECT_TRUE(adopt(runtime, path));
    EXPECT_THAT(wrong(), IsEmpty());
  }
}

TEST_F(Folder, AnInPlaceEditOfWhatIsMadeOfTheOthersCanBeRemoved) {
  ASSERT_TRUE(put(0, {.nginx_conf = true}));
  overwrite("nginx.conf", "edited");
  const auto refused = adopt(runtime, path);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().hint, HasSubstr(path + "/.lockstep/gen-00000001/nginx.conf"));
  ASSERT_TRUE(disk.open_directory(path + "/.lockstep/gen-00000001").value()->remove_file("nginx.conf"));
  ASSERT_TRUE(adopt(runtime, path));
  EXPECT_THAT(content("nginx.conf"), HasSubstr("gen-00000002"));
}

TEST_F(Folder, AFolderWithoutAMemberIsDamagedAndIsRepaired) {
  ASSERT_TRUE(put(0));
  {
    auto store = durable::StoreWriter::open(runtime, path, folder_store_options({}));
    ASSERT_TRUE(store);
    durable::Change change;
    ASSERT_TRUE(store->commit(change.remove("privkey.pem")));
  }
  EXPECT_THAT(wrong(), ElementsAre("the live generation has no member 'privkey.pem'"));
  EXPECT_FALSE(repair(runtime, path)->actions.empty());
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_F(Folder, ARepairThatFailsLeavesTheRecordAsItWas) {
  ASSERT_TRUE(put(0));
  overwrite("privkey.pem", "");
  disk.write_file(path + "/.lockstep/history", "junk", 0600);
  const Tree before = disk.dump();
  EXPECT_EQ(repair(runtime, path).error().code, ErrorCode::damaged);
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
}

TEST_F(Folder, ForeignFilesAreNeverReplaced) {
  disk.make_directories(path);
  disk.write_file(path + "/cert.pem", "precious");
  const Tree before = disk.dump();
  const auto refused = put(0);
  EXPECT_EQ(refused.error().code, ErrorCode::foreign_file);
  EXPECT_EQ(describe_difference(before, disk.dump()), "");
  ASSERT_TRUE(put(0, {}, "other.example"));
  disk.write_file("/srv/certs/other.example/combined.pem", "precious");
  EXPECT_EQ(put(1, {.combined = true}, "other.example").error().code, ErrorCode::foreign_file);
  EXPECT_EQ(load(runtime, "/srv", "other.example")->leaf.serial, "0a");
}

TEST_F(Folder, RepairFallsBackToTheNewestIntactGeneration) {
  ASSERT_TRUE(put(0));
  EXPECT_TRUE(repair(runtime, path)->actions.empty());
  ASSERT_TRUE(put(1));
  overwrite("privkey.pem", "");
  const auto repaired = repair(runtime, path);
  ASSERT_TRUE(repaired) << repaired.error().message;
  EXPECT_FALSE(repaired->actions.empty());
  EXPECT_EQ(content("privkey.pem"), test_pair(0).key);
  EXPECT_THAT(wrong(), IsEmpty());
  overwrite("privkey.pem", "");
  EXPECT_EQ(repair(runtime, path).error().code, ErrorCode::damaged);
}

TEST_F(Folder, EveryFailingCallLeavesAllOldOrAllNew) {
  for (std::uint64_t failing = 0;; ++failing) {
    SCOPED_TRACE(failing);
    SimFileSystem fresh;
    fresh.make_directories("/srv");
    durable::Runtime with{fresh, clock, random, std::chrono::milliseconds(50)};
    const auto put_there = [&](std::size_t number) {
      const CertificateSet set = test_set(number);
      return install(with, "/srv", "host.example", set, metadata_of(set.leaf, "test"), {.combined = true});
    };
    ASSERT_TRUE(put_there(0));
    fresh.set_hook([&](const Operation& operation) -> Verdict {
      if (operation.index != failing || operation.kind == "close") return {};
      return {.action = Verdict::Action::fail, .error = EIO};
    });
    const auto result = put_there(1);
    const bool past_the_end = fresh.operation_count() <= failing;
    fresh.set_hook({});
    const bool is_new = result || result.error().code == ErrorCode::commit_uncertain;
    const Pair& pair = test_pair(is_new ? 1 : 0);
    EXPECT_EQ(fresh.read_file(path + "/cert.pem"), pair.certificate);
    EXPECT_EQ(fresh.read_file(path + "/privkey.pem"), pair.key);
    EXPECT_EQ(fresh.read_file(path + "/combined.pem"), pair.key + pair.certificate + intermediate_pem());
    if (past_the_end) break;
  }
}

}  // namespace
}  // namespace lockstep::certstore
