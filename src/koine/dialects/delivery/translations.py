"""Translations of `message` for the `language` of the query: English, Arabic, Central Kurdish and
Persian (delivery.md, F)."""

from typing import Final

_LANGUAGES: Final = {"ar": 0, "ku": 1, "fa": 2}

# The English text; in Arabic, Central Kurdish and Persian.
_TRANSLATIONS: Final[dict[str, tuple[str, str, str]]] = {
    "Conversations retrieved successfully": (
        "تم جلب المحادثات بنجاح",
        "گفتوگۆکان بە سەرکەوتوویی هێنران",
        "گفتگوها با موفقیت دریافت شدند",
    ),
    "Conversation retrieved successfully": (
        "تم جلب المحادثة بنجاح",
        "گفتوگۆکە بە سەرکەوتوویی هێنرا",
        "گفتگو با موفقیت دریافت شد",
    ),
    "Conversation created successfully": (
        "تم إنشاء المحادثة بنجاح",
        "گفتوگۆکە بە سەرکەوتوویی دروستکرا",
        "گفتگو با موفقیت ایجاد شد",
    ),
    "Messages retrieved successfully": (
        "تم جلب الرسائل بنجاح",
        "نامەکان بە سەرکەوتوویی هێنران",
        "پیام‌ها با موفقیت دریافت شدند",
    ),
    "Message sent successfully": (
        "تم إرسال الرسالة بنجاح",
        "نامەکە بە سەرکەوتوویی نێردرا",
        "پیام با موفقیت ارسال شد",
    ),
    "Participants updated successfully": (
        "تم تحديث المشاركين بنجاح",
        "بەشداربووان بە سەرکەوتوویی نوێکرانەوە",
        "شرکت‌کنندگان با موفقیت به‌روزرسانی شدند",
    ),
    "Some participants could not be updated": (
        "تعذر تحديث بعض المشاركين",
        "هەندێک لە بەشداربووان نەتوانرا نوێبکرێنەوە",
        "به‌روزرسانی برخی از شرکت‌کنندگان ممکن نشد",
    ),
    "Participant added": ("تمت إضافة المشارك", "بەشداربوو زیادکرا", "شرکت‌کننده اضافه شد"),
    "Participant removed": ("تمت إزالة المشارك", "بەشداربوو لابرا", "شرکت‌کننده حذف شد"),
    "Participant updated": ("تم تحديث المشارك", "بەشداربوو نوێکرایەوە", "شرکت‌کننده به‌روزرسانی شد"),
    "Already a participant": ("مشارك بالفعل", "پێشتر بەشداربووە", "از پیش شرکت‌کننده است"),
    "Read status updated successfully": (
        "تم تحديث حالة القراءة بنجاح",
        "دۆخی خوێندنەوە بە سەرکەوتوویی نوێکرایەوە",
        "وضعیت خواندن با موفقیت به‌روزرسانی شد",
    ),
    "Unauthorized": ("غير مصرح", "ڕێگەپێنەدراو", "احراز هویت نشده"),
    "Forbidden": ("ممنوع", "قەدەغەکراو", "دسترسی غیرمجاز"),
    "Not Participant": ("لست مشاركًا", "بەشداربوو نیت", "شرکت‌کننده نیستید"),
    "Not found": ("غير موجود", "نەدۆزرایەوە", "یافت نشد"),
    "Method not allowed": ("الطريقة غير مسموح بها", "ڕێگاکە ڕێپێدراو نییە", "متد مجاز نیست"),
    "Tenant not found": ("المستأجر غير موجود", "کرێچی نەدۆزرایەوە", "مستأجر یافت نشد"),
    "Conversation not found": (
        "المحادثة غير موجودة",
        "گفتوگۆکە نەدۆزرایەوە",
        "گفتگو یافت نشد",
    ),
    "Delivery not found": ("التوصيلة غير موجودة", "گەیاندنەکە نەدۆزرایەوە", "مرسوله یافت نشد"),
    "Message not found": ("الرسالة غير موجودة", "نامەکە نەدۆزرایەوە", "پیام یافت نشد"),
    "User not found": ("المستخدم غير موجود", "بەکارهێنەر نەدۆزرایەوە", "کاربر یافت نشد"),
    "User is not a participant": (
        "المستخدم ليس مشاركًا",
        "بەکارهێنەر بەشداربوو نییە",
        "کاربر شرکت‌کننده نیست",
    ),
    "tenant_id is required": ("tenant_id مطلوب", "tenant_id پێویستە", "tenant_id الزامی است"),
    "delivery_id is required": (
        "delivery_id مطلوب",
        "delivery_id پێویستە",
        "delivery_id الزامی است",
    ),
    "participants are required": (
        "المشاركون مطلوبون",
        "بەشداربووان پێویستن",
        "شرکت‌کنندگان الزامی هستند",
    ),
    "Conversation is not active": (
        "المحادثة غير نشطة",
        "گفتوگۆکە چالاک نییە",
        "گفتگو فعال نیست",
    ),
    "Request is already being processed": (
        "الطلب قيد المعالجة بالفعل",
        "داواکارییەکە لە جێبەجێکردندایە",
        "درخواست در حال پردازش است",
    ),
    "Conflict": ("تعارض", "ناکۆکی", "تداخل"),
    "Request body is too large": (
        "نص الطلب كبير جدًا",
        "ناوەڕۆکی داواکارییەکە زۆر گەورەیە",
        "بدنه درخواست بیش از حد بزرگ است",
    ),
    "Too many requests": ("طلبات كثيرة جدًا", "داواکاری زۆرە", "تعداد درخواست‌ها بیش از حد است"),
    "Service unavailable": (
        "الخدمة غير متاحة",
        "خزمەتگوزارییەکە بەردەست نییە",
        "سرویس در دسترس نیست",
    ),
    "Internal server error": (
        "خطأ داخلي في الخادم",
        "هەڵەی ناوخۆیی ڕاژەکار",
        "خطای داخلی سرور",
    ),
    "Invalid input": ("مدخلات غير صالحة", "داتای نادروست", "ورودی نامعتبر"),
}


def translate(text: str, language: str | None) -> str:
    """The text in `language`; in English for an unknown language (delivery.md, D). A text without a
    translation, such as one that names a field, follows a translated "Invalid input"."""
    number = _LANGUAGES.get(language or "")
    if number is None:
        return text
    known = _TRANSLATIONS.get(text)
    return known[number] if known else f"{_TRANSLATIONS['Invalid input'][number]}: {text}"
