      *> ACCOUNT-CREATE-REQUEST: 165 bytes, to ACCT.CREATE.QUEUE (S30).
       01  ACCOUNT-CREATE-REQUEST.
           05  TRAN-CODE           PIC X(4)   VALUE 'ACCT'.
           05  CLIENT-ID           PIC X(20).
           05  FIRST-NAME          PIC X(30).
           05  LAST-NAME           PIC X(30).
           05  SSN                 PIC 9(9).
           05  ADDRESS-LINE-1      PIC X(40).
           05  CITY                PIC X(20).
           05  PROVINCE            PIC X(2).
           05  POSTAL-CODE         PIC X(7).
           05  ACCOUNT-TYPE        PIC X(3)   VALUE 'WM'.
