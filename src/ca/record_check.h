// Is what the issuing server keeps consistent with itself and with the index?
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ca/index.h"
#include "ca/records.h"

namespace lockstep::ca {

enum class RecordScope {
  form,  // each file by itself
  all,   // and that they fit together and into the index
};

// What is wrong, each with the file that it is about; empty when all is well.
using RecordFindings = std::vector<std::pair<std::string, std::string>>;
RecordFindings check_records(const std::map<std::string, std::string>& records,
                             const std::map<Serial, IndexEntry>& entries, RecordScope scope = RecordScope::all);

}  // namespace lockstep::ca
