// The index: its one form, every JSON form that a person may leave it in, and its reader on every split of the input.
#include "ca/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lockstep::ca {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr UnixSeconds kNow = 1'772'366'400;  // 2026-03-01T12:00:00Z

IndexEntry entry(Serial serial, const std::string& subject = "CN=a") {
  return {.serial = serial, .subject = subject, .not_before = kNow, .not_after = kNow + 60, .revocation = {}};
}

std::string index_of(const std::vector<IndexEntry>& entries) {
  if (entries.empty()) return std::string(kEmptyIndex);
  std::string text(kIndexBegin);
  for (const IndexEntry& one : entries) {
    if (text != kIndexBegin) text += kIndexSeparator;
    text += encode_entry(one);
  }
  return text.append(kIndexEnd);
}

void expect_same(const IndexEntry& left, const IndexEntry& right) {
  EXPECT_EQ(left.serial, right.serial);
  EXPECT_EQ(left.subject, right.subject);
  EXPECT_EQ(left.not_before, right.not_before);
  EXPECT_EQ(left.not_after, right.not_after);
  ASSERT_EQ(left.revocation.has_value(), right.revocation.has_value());
  if (!left.revocation) return;
  EXPECT_EQ(left.revocation->at, right.revocation->at);
  EXPECT_EQ(left.revocation->reason, right.revocation->reason);
}

TEST(Entry, IsWrittenInOneForm) {
  EXPECT_EQ(encode_entry(entry(2)),
            R"({"serial":"02","subject":"CN=a","not_before":"2026-03-01T12:00:00Z",)"
            R"("not_after":"2026-03-01T12:01:00Z","status":"active","revoked_at":"","revocation_reason":""})");
  IndexEntry revoked = entry(0x1ff);
  revoked.revocation = {kNow, x509::RevocationReason::key_compromise};
  EXPECT_THAT(
      encode_entry(revoked),
      HasSubstr(R"("status":"revoked","revoked_at":"2026-03-01T12:00:00Z","revocation_reason":"keyCompromise"})"));
}

TEST(Entry, ComesBackWhateverItsSubjectHolds) {
  const std::string zero_inside("CN=a\0b", 6);
  for (const std::string& subject :
       {std::string(), std::string("CN=a"), std::string(R"(CN=quote \" and \\ backslash\\)"), std::string(R"(\)"),
        std::string(R"(")"), std::string(R"(CN=x","status":"revoked)"), std::string("CN=Zürich,O=日本"),
        std::string("CN=tab\tand\nline"), zero_inside, std::string(5000, '"')}) {
    const IndexEntry one = entry(2, subject);
    const std::string line = encode_entry(one);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto decoded = decode_entry(line);
    ASSERT_TRUE(decoded) << line;
    expect_same(*decoded, one);
    EXPECT_EQ(nlohmann::json::parse(line)["subject"], subject);
    const auto glance = glance_entry(line);
    ASSERT_TRUE(glance);
    EXPECT_EQ(glance->serial, "02");
    EXPECT_FALSE(glance->revoked);
  }
}

TEST(Entry, RefusesWhatIsNotInItsForm) {
  const std::string good = encode_entry(entry(2));
  std::vector<std::string> bad = {"", "{}", good + " ", " " + good, good + "}", "[" + good};
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string line = good;
    line.replace(line.find(from), from.size(), to);
    bad.push_back(line);
  };
  replaced("active", "revoked");
  replaced("active", "expired");
  replaced("\"revoked_at\":\"\"", "\"revoked_at\":\"2026-03-01T12:00:00Z\"");
  replaced("\"02\"", "\"\"");
  replaced("\"02\"", "\"00\"");
  replaced("\"02\"", "2");
  replaced("2026-03-01T12:00:00Z", "yesterday");
  replaced("CN=a", "\\");
  replaced("CN=a", "\\q");
  replaced(",\"subject\"", ", \"subject\"");
  for (std::size_t length = 1; length < good.size(); ++length) bad.push_back(good.substr(0, length));
  for (const std::string& line : bad) EXPECT_FALSE(decode_entry(line)) << line;
}

// What the reader makes of the text, fed in these pieces.
Result<std::vector<std::string>> read(const std::vector<std::string_view>& pieces) {
  std::vector<std::string> lines;
  IndexLines reader([&](std::string_view line) -> Status {
    lines.emplace_back(line);
    return {};
  });
  for (const std::string_view piece : pieces) TRY(reader.feed(piece));
  TRY(reader.finish());
  EXPECT_EQ(reader.count(), lines.size());
  return lines;
}

TEST(Lines, AreTheSameOnEverySplitOfTheInput) {
  const std::vector<IndexEntry> entries = {entry(2), entry(3, "CN=b\\\"c"), entry(4)};
  const std::string text = index_of(entries);
  const auto whole = read({text}).value();
  ASSERT_EQ(whole.size(), 3U);
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); second += 7) {
      const std::string_view view(text);
      EXPECT_EQ(read({view.substr(0, first), view.substr(first, second - first), view.substr(second)}).value(), whole);
    }
  }
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(std::string_view(text).substr(i, 1));
  EXPECT_EQ(read(bytes).value(), whole);
}

TEST(Lines, OfAnEmptyIndexAreNone) { EXPECT_THAT(read({"[", "]\n"}).value(), ElementsAre()); }

TEST(Lines, EveryTruncationIsNoticed) {
  for (const std::string& text : {index_of({}), index_of({entry(2)}), index_of({entry(2), entry(3)})}) {
    for (std::size_t length = 0; length < text.size(); ++length) {
      EXPECT_FALSE(read({std::string_view(text).substr(0, length)})) << text.substr(0, length);
    }
  }
}

TEST(Lines, RefuseABrokenFrame) {
  const std::string line = encode_entry(entry(2));
  for (const std::string& text :
       {line + "\n", "{\n" + line + "\n]\n", "[\n" + line + "\n" + line + "\n]\n", "[\n" + line + ",\n]\n",
        std::string("[\n]\n"), index_of({entry(2)}) + "x", index_of({}) + index_of({}), index_of({entry(2)}) + "\n",
        std::string("[\n") + std::string(100'000, 'x')}) {
    const auto lines = read({text});
    ASSERT_FALSE(lines) << text.substr(0, 100);
    EXPECT_EQ(lines.error().code, ErrorCode::damaged);
  }
}

TEST(Lines, StopAtTheVisitorsError) {
  int visits = 0;
  IndexLines reader([&](std::string_view) -> Status {
    ++visits;
    return fail(ErrorCode::internal, "enough");
  });
  const Status fed = reader.feed(index_of({entry(2), entry(3)}));
  EXPECT_EQ(fed.error().message, "enough");
  EXPECT_EQ(visits, 1);
}

TEST(Canonical, AnyJsonFormBecomesOurs) {
  IndexEntry revoked = entry(0x10, "CN=Zürich");
  revoked.revocation = {kNow, x509::RevocationReason::superseded};
  const std::string ours = index_of({entry(2), revoked});
  EXPECT_EQ(canonical_index(ours, "index.json").value(), ours);
  const auto document = nlohmann::json::parse(ours);  // sorts the fields
  for (const std::string& form : {document.dump(), document.dump(4), document.dump(1, '\t', true), "\n\n" + ours}) {
    EXPECT_EQ(canonical_index(form, "index.json").value(), ours);
  }
  for (const char* form : {"[]", "[]\n", " [ ] "}) EXPECT_EQ(canonical_index(form, "index.json").value(), kEmptyIndex);
}

TEST(Canonical, NamesTheEntryThatIsWrong) {
  const auto complaint = [](std::size_t position, const char* field, const nlohmann::json& value) {
    auto document = nlohmann::json::parse(index_of({entry(2), entry(3), entry(4)}));
    if (value.is_discarded())
      document[position].erase(field);
    else
      document[position][field] = value;
    const auto canonical = canonical_index(document.dump(), "index.json");
    return canonical ? std::string("accepted") : canonical.error().message;
  };
  const nlohmann::json gone(nlohmann::json::value_t::discarded);
  for (const char* field :
       {"serial", "subject", "not_before", "not_after", "status", "revoked_at", "revocation_reason"}) {
    EXPECT_EQ(complaint(1, field, gone),
              "'index.json', entry 2: the field '" + std::string(field) + "' is missing or not a text");
    EXPECT_EQ(complaint(2, field, 7), complaint(2, field, nullptr));
  }
  EXPECT_EQ(complaint(0, "note", "x"), "'index.json', entry 1: it has a field that an entry does not have");
  EXPECT_EQ(complaint(2, "status", "expired"), "'index.json', entry 3: status is neither 'active' nor 'revoked'");
  for (const char* field : {"revoked_at", "revocation_reason"}) {
    EXPECT_THAT(complaint(0, field, "2026-03-01T12:00:00Z"),
                HasSubstr("entry 1: revoked_at and revocation_reason must"));
  }
  EXPECT_THAT(complaint(1, "serial", "x"), HasSubstr("entry 2: not a serial number"));
  EXPECT_THAT(complaint(1, "not_after", "2026-02-30T00:00:00Z"), HasSubstr("entry 2: "));
  EXPECT_EQ(complaint(1, "serial", "02"), "'index.json', entry 2: its serial 02 is not above the one before it");
  EXPECT_EQ(complaint(2, "serial", "02"), "'index.json', entry 3: its serial 02 is not above the one before it");
  EXPECT_EQ(complaint(0, "serial", "01"), "'index.json', entry 1: its serial 01 is not above the one before it");
}

TEST(Canonical, RefusesWhatIsNoArrayOfObjects) {
  EXPECT_EQ(canonical_index("{}", "index.json").error().message, "'index.json' is not an array");
  EXPECT_EQ(canonical_index("[1]", "index.json").error().message, "'index.json', entry 1: it is not an object");
  for (const char* text : {"", "[", "nonsense", "[[[]]]", "[{\"serial\":\"02\",\"serial\":\"03\"}]", "[]x"}) {
    EXPECT_FALSE(canonical_index(text, "index.json")) << text;
  }
}

}  // namespace
}  // namespace lockstep::ca
