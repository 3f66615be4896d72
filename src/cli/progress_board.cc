#include "cli/progress_board.h"

#include <algorithm>

namespace lockstep::cli {

namespace {

constexpr std::size_t kMostRows = 10;
constexpr std::size_t kEvery = 100;  // of those that nothing is done for

// One column for each character, whatever the terminal takes for one.
std::string plain(const std::string& text) {
  std::string shown;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 && byte < 0xc0) continue;  // goes on with a character of UTF-8
    shown.push_back(byte < 0x20 || byte >= 0x7f ? '?' : c);
  }
  return shown;
}

std::string cut(std::string text, std::size_t width) {
  constexpr std::string_view kMore = "...";
  if (text.size() <= width) return text;
  text.resize(width);
  if (width > 2 * kMore.size()) text.replace(width - kMore.size(), kMore.size(), kMore);
  return text;
}

}  // namespace

void ProgressBoard::begin(std::size_t total) {
  *this = ProgressBoard();
  total_ = total;
}

void ProgressBoard::start(const std::string& domain) { rows_.push_back({domain, {}}); }

bool ProgressBoard::say(const std::string& domain, const std::string& what) {
  const auto row = std::ranges::find(rows_, domain, &Row::domain);
  if (row == rows_.end() || what.empty()) return false;
  row->what = what;
  return true;
}

bool ProgressBoard::finish(const std::string& domain, bool failed) {
  const auto row = std::ranges::find(rows_, domain, &Row::domain);
  const bool shown = row != rows_.end() && !row->what.empty();
  if (row != rows_.end()) rows_.erase(row);
  ++done_;
  failed_ += failed ? 1 : 0;
  return shown || failed || done_ % kEvery == 0;
}

std::vector<std::string> ProgressBoard::lines(const TerminalSize& size) const {
  // A full last column would make the terminal begin another line by itself.
  const std::size_t width = std::max<std::size_t>(size.columns, 2) - 1;
  // The line above stays in view: what was said last.
  const std::size_t most = std::clamp<std::size_t>(size.rows, 3, kMostRows + 2) - 2;
  std::vector<const Row*> shown;
  for (const Row& row : rows_)
    if (!row.what.empty()) shown.push_back(&row);
  std::vector<std::string> result;
  if (total_ > 1) {
    result.push_back(std::to_string(done_) + " of " + std::to_string(total_) + " done" +
                     (failed_ > 0 ? ", " + std::to_string(failed_) + " failed" : "") +
                     (shown.empty() ? "" : ", " + std::to_string(shown.size()) + " under way"));
  }
  const std::size_t rows = shown.size() <= most ? shown.size() : most - 1;
  std::size_t widest = 0;
  for (std::size_t i = 0; i < rows; ++i) widest = std::max(widest, plain(shown[i]->domain).size());
  widest = std::min(widest, width / 2);
  for (std::size_t i = 0; i < rows; ++i) {
    std::string domain = cut(plain(shown[i]->domain), widest);
    domain.resize(widest, ' ');
    result.push_back((total_ > 1 ? "  " : "") + domain + "  " + plain(shown[i]->what));
  }
  if (rows < shown.size()) result.push_back("  and " + std::to_string(shown.size() - rows) + " more");
  for (std::string& line : result) line = cut(std::move(line), width);
  return result;
}

}  // namespace lockstep::cli
