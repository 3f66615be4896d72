#include "dns/message.h"

#include <ldns/ldns.h>  // its parts do not include what they need

#include <array>
#include <cstdlib>
#include <memory>

namespace lockstep::dns {

namespace {

constexpr std::uint32_t kTtl = 60;  // nobody asks twice for a proof

struct Free {
  void operator()(ldns_rdf* object) const { ldns_rdf_deep_free(object); }
  void operator()(ldns_rr* object) const { ldns_rr_free(object); }
  void operator()(ldns_rr_list* object) const { ldns_rr_list_deep_free(object); }
  void operator()(ldns_pkt* object) const { ldns_pkt_free(object); }
  void operator()(char* text) const { std::free(text); }
  void operator()(std::uint8_t* bytes) const { std::free(bytes); }
};
template <class T>
using Pointer = std::unique_ptr<T, Free>;

std::unexpected<Error> malformed() {
  return fail(ErrorCode::parse_error, "the name server's answer is not a DNS message");
}

std::unexpected<Error> failed(ldns_status status) {
  return fail(ErrorCode::internal, std::string("cannot make a DNS message: ") + ldns_get_errorstr_by_id(status));
}

Result<Pointer<ldns_rdf>> parse_name(const std::string& name) {
  // ldns takes what no host has: escapes, and an empty text as the root.
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!plain) return fail(ErrorCode::invalid_argument, "'" + name.substr(0, 80) + "' is not a DNS name");
  }
  Pointer<ldns_rdf> parsed(name.empty() || name == "." ? nullptr : ldns_dname_new_frm_str(name.c_str()));
  if (!parsed) return fail(ErrorCode::invalid_argument, "'" + name.substr(0, 80) + "' is not a DNS name");
  ldns_dname2canonical(parsed.get());
  return parsed;
}

std::string bytes_of(const ldns_rdf* field) {
  return {reinterpret_cast<const char*>(ldns_rdf_data(field)), ldns_rdf_size(field)};
}

std::string canonical_wire(const ldns_rdf* name) {
  const Pointer<ldns_rdf> copy(ldns_rdf_clone(name));
  ldns_dname2canonical(copy.get());
  return bytes_of(copy.get());
}

std::string text_of(const ldns_rdf* name) {
  const Pointer<ldns_rdf> copy(ldns_rdf_clone(name));
  ldns_dname2canonical(copy.get());
  const Pointer<char> text(ldns_rdf2str(copy.get()));
  std::string out = text ? text.get() : "";
  if (out.ends_with('.')) out.pop_back();
  return out;
}

Result<std::string> to_wire(const ldns_pkt* packet) {
  std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  const ldns_status status = ldns_pkt2wire(&bytes, packet, &size);
  const Pointer<std::uint8_t> owner(bytes);
  if (status != LDNS_STATUS_OK) return failed(status);
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

std::uint16_t number_at(std::string_view bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[offset]) << 8U |
                                    static_cast<unsigned char>(bytes[offset + 1]));
}

// Where the last record of a message begins, and the record.
struct LastRecord {
  std::size_t offset = 0;
  Pointer<ldns_rr> record;
};

Result<LastRecord> last_record(std::string_view wire) {
  if (wire.size() < kHeaderSize) return malformed();
  constexpr std::array<ldns_pkt_section, 4> kSections{LDNS_SECTION_QUESTION, LDNS_SECTION_ANSWER,
                                                      LDNS_SECTION_AUTHORITY, LDNS_SECTION_ADDITIONAL};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(wire.data());
  std::size_t position = kHeaderSize;
  LastRecord last;
  for (std::size_t section = 0; section < kSections.size(); ++section) {
    const std::uint16_t count = number_at(wire, 4 + 2 * section);
    for (std::uint16_t i = 0; i < count; ++i) {
      ldns_rr* record = nullptr;
      last.offset = position;
      if (ldns_wire2rr(&record, bytes, wire.size(), &position, kSections[section]) != LDNS_STATUS_OK)
        return malformed();
      last.record.reset(record);
    }
  }
  if (position != wire.size()) return malformed();
  return last;
}

}  // namespace

Result<std::string> name_to_wire(const std::string& name) {
  const Pointer<ldns_rdf> parsed = TRY(parse_name(name));
  return bytes_of(parsed.get());
}

Result<std::string> make_soa_query(std::uint16_t id, const std::string& name) {
  Pointer<ldns_rdf> owner = TRY(parse_name(name));
  const Pointer<ldns_pkt> packet(ldns_pkt_query_new(owner.get(), LDNS_RR_TYPE_SOA, LDNS_RR_CLASS_IN, 0));
  if (!packet) return failed(LDNS_STATUS_MEM_ERR);
  static_cast<void>(owner.release());  // the packet has it
  ldns_pkt_set_id(packet.get(), id);
  return to_wire(packet.get());
}

Result<std::string> make_txt_update(std::uint16_t id, const std::string& zone, const std::string& name,
                                    const std::string& value, TxtChange change) {
  Pointer<ldns_rdf> zone_name = TRY(parse_name(zone));
  Pointer<ldns_rdf> owner = TRY(parse_name(name));
  Pointer<ldns_rdf> text(ldns_rdf_new_frm_str(LDNS_RDF_TYPE_STR, value.c_str()));
  Pointer<ldns_rr> record(ldns_rr_new());
  const Pointer<ldns_rr_list> updates(ldns_rr_list_new());
  if (!text || !record || !updates) return failed(LDNS_STATUS_MEM_ERR);
  ldns_rr_set_owner(record.get(), owner.release());
  ldns_rr_set_type(record.get(), LDNS_RR_TYPE_TXT);
  ldns_rr_set_class(record.get(), change == TxtChange::add ? LDNS_RR_CLASS_IN : LDNS_RR_CLASS_NONE);
  ldns_rr_set_ttl(record.get(), change == TxtChange::add ? kTtl : 0);
  if (!ldns_rr_push_rdf(record.get(), text.get())) return failed(LDNS_STATUS_MEM_ERR);
  static_cast<void>(text.release());  // the record has it
  if (!ldns_rr_list_push_rr(updates.get(), record.get())) return failed(LDNS_STATUS_MEM_ERR);
  static_cast<void>(record.release());  // the list has it
  const Pointer<ldns_pkt> packet(
      ldns_update_pkt_new(zone_name.get(), LDNS_RR_CLASS_IN, nullptr, updates.get(), nullptr));
  if (!packet) return failed(LDNS_STATUS_MEM_ERR);
  static_cast<void>(zone_name.release());  // the packet has it; of the updates it has copies
  ldns_pkt_set_id(packet.get(), id);
  return to_wire(packet.get());
}

Result<Answer> parse_answer(std::string_view wire, const std::string& asked) {
  ldns_pkt* parsed = nullptr;
  if (ldns_wire2pkt(&parsed, reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()) != LDNS_STATUS_OK) {
    return malformed();
  }
  const Pointer<ldns_pkt> packet(parsed);
  Answer answer;
  answer.id = ldns_pkt_id(parsed);
  answer.rcode = ldns_pkt_get_rcode(parsed);
  answer.is_response = ldns_pkt_qr(parsed);
  answer.authoritative = ldns_pkt_aa(parsed);
  for (const ldns_rr_list* section : {ldns_pkt_answer(parsed), ldns_pkt_authority(parsed)}) {
    for (std::size_t i = 0; section != nullptr && i < ldns_rr_list_rr_count(section); ++i) {
      const ldns_rr* record = ldns_rr_list_rr(section, i);
      const ldns_rr_type type = ldns_rr_get_type(record);
      const std::string owner = text_of(ldns_rr_owner(record));
      if (type == LDNS_RR_TYPE_CNAME && owner == asked && ldns_rr_rd_count(record) == 1) {
        answer.alias = text_of(ldns_rr_rdf(record, 0));
      }
      if (type == LDNS_RR_TYPE_SOA && answer.zone.empty()) answer.zone = owner;
    }
  }
  return answer;
}

Result<TsigRecord> split_tsig(std::string_view wire) {
  const LastRecord last = TRY(last_record(wire));
  const ldns_rr* record = last.record.get();
  constexpr std::size_t kFields = 7;
  constexpr std::size_t kAdditionalCount = 10;
  if (record == nullptr || ldns_rr_get_type(record) != LDNS_RR_TYPE_TSIG || number_at(wire, kAdditionalCount) == 0) {
    return fail(ErrorCode::untrusted, "the name server's answer is not signed");
  }
  if (ldns_rr_rd_count(record) != kFields) return malformed();
  TsigRecord out;
  out.name = canonical_wire(ldns_rr_owner(record));
  out.algorithm = canonical_wire(ldns_rr_rdf(record, 0));
  out.time = bytes_of(ldns_rr_rdf(record, 1));
  out.fudge = bytes_of(ldns_rr_rdf(record, 2));
  out.mac = bytes_of(ldns_rr_rdf(record, 3));
  const std::string id = bytes_of(ldns_rr_rdf(record, 4));
  out.error = bytes_of(ldns_rr_rdf(record, 5));
  out.other = bytes_of(ldns_rr_rdf(record, 6));
  // These two come with their length before them.
  if (out.time.size() != 6 || out.fudge.size() != 2 || out.mac.size() < 2 || id.size() != 2 || out.error.size() != 2 ||
      out.other.size() < 2) {
    return malformed();
  }
  out.mac.erase(0, 2);
  out.other.erase(0, 2);
  out.unsigned_message = std::string(wire.substr(0, last.offset));
  out.unsigned_message.replace(0, 2, id);
  const auto count = static_cast<std::uint16_t>(number_at(wire, kAdditionalCount) - 1);
  out.unsigned_message[kAdditionalCount] = static_cast<char>(count >> 8U);
  out.unsigned_message[kAdditionalCount + 1] = static_cast<char>(count & 0xffU);
  return out;
}

bool is_below(const std::string& name, const std::string& zone) { return name == zone || name.ends_with("." + zone); }

}  // namespace lockstep::dns
