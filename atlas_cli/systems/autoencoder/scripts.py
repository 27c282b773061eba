"""One paragraph in four scripts, written for this project: what a tokenizer makes of the same words."""

from __future__ import annotations

#: Language -> the paragraph in it. They say the same, sentence by sentence.
PARAGRAPH = {
    "english": (
        "A computer reads numbers, not words. Before a network can learn from a text, somebody has "
        "to cut the text into pieces and give every piece a number. The pieces that come often "
        "should be long, because then a sentence becomes short. But what comes often depends on "
        "where you look: a word that is common in one language is never seen in another. Whoever "
        "cuts the text decides who has to pay for more pieces."
    ),
    "russian": (
        "Компьютер читает числа, а не слова. Прежде чем сеть сможет учиться на тексте, кто-то должен "
        "разрезать текст на куски и дать каждому куску номер. Куски, которые встречаются часто, "
        "должны быть длинными, потому что тогда предложение становится коротким. Но что встречается "
        "часто, зависит от того, куда смотреть: слово, обычное в одном языке, никогда не встречается "
        "в другом. Кто режет текст, тот и решает, кому платить за большее число кусков."
    ),
    "greek": (
        "Ο υπολογιστής διαβάζει αριθμούς, όχι λέξεις. Πριν ένα δίκτυο μάθει από ένα κείμενο, κάποιος "
        "πρέπει να κόψει το κείμενο σε κομμάτια και να δώσει σε κάθε κομμάτι έναν αριθμό. Τα "
        "κομμάτια που εμφανίζονται συχνά πρέπει να είναι μεγάλα, γιατί τότε η πρόταση γίνεται μικρή. "
        "Όμως το τι εμφανίζεται συχνά εξαρτάται από το πού κοιτάζεις: μια λέξη συνηθισμένη σε μια "
        "γλώσσα δεν εμφανίζεται ποτέ σε μια άλλη. Όποιος κόβει το κείμενο αποφασίζει ποιος θα "
        "πληρώσει για περισσότερα κομμάτια."
    ),
    "chinese": (
        "计算机读的是数字，而不是文字。在网络能够从一段文本中学习之前，必须有人把文本切成小块，"
        "并给每一块一个编号。经常出现的块应该长一些，因为这样句子就会变短。但是什么东西经常出现，"
        "取决于你看的是哪里：在一种语言里常见的词，在另一种语言里从来不会出现。谁来切分文本，"
        "谁就决定了由谁来为更多的块付费。"
    ),
}
