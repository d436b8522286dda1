#include "object/local_path.h"

namespace lakehouse::object {
namespace {

constexpr size_t kPieceBytes = 200;

// At most 200 escaped bytes of `component`, never cutting an escape; takes them off its front.
std::string TakePiece(std::string_view& component) {
  std::string piece;
  while (!component.empty()) {
    const bool escape = component.front() == '%';
    if (piece.size() + (escape ? 3 : 1) > kPieceBytes) break;
    if (escape) {
      piece += "%25";
    } else {
      piece += component.front();
    }
    component.remove_prefix(1);
  }
  return piece;
}

}  // namespace

std::string PathOfKey(std::string_view key) {
  std::string path;
  bool first = true;
  while (true) {
    const size_t slash = key.find('/');
    std::string_view component = key.substr(0, slash);
    if (first && component == kPrivateFolder) {
      path += "%2E";
      component.remove_prefix(1);
    }
    first = false;
    while (true) {
      path += TakePiece(component);
      if (component.empty()) break;
      path += kPieceFolder;
      path += '/';
      // What is left may be "." or "..", which a file system would take for folders.
      if (component == "." || component == "..") {
        path += "%2E";
        component.remove_prefix(1);
        if (component.empty()) break;
      }
    }
    if (slash == std::string_view::npos) return path;
    path += '/';
    key.remove_prefix(slash + 1);
  }
}

std::string UnescapeName(std::string_view name) {
  std::string text;
  while (!name.empty()) {
    if (name.starts_with("%25") || name.starts_with("%2E")) {
      text += name[2] == '5' ? '%' : '.';
      name.remove_prefix(3);
    } else {
      text += name.front();
      name.remove_prefix(1);
    }
  }
  return text;
}

}  // namespace lakehouse::object
