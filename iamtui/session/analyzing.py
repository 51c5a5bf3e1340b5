"""stub"""


class AnalyzerQuestions:
    pass
