#include "base/error.hpp"

#include <sstream>

namespace cnnfast {

void TextPart::append_to(std::ostream& message) const {
  switch (kind_) {
    case Kind::text: message << text_; break;
    case Kind::integer: message << integer_; break;
    case Kind::real: message << real_; break;
  }
}

std::string concat_parts(Parts parts) {
  std::ostringstream message;
  for (const TextPart& part : parts) part.append_to(message);
  return message.str();
}

void fail_with(Parts parts) { throw std::invalid_argument(concat_parts(parts)); }

void fail_type_with(Parts parts) { throw TypeMismatch(concat_parts(parts)); }

}  // namespace cnnfast
